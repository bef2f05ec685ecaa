"""The dashboard without a browser: its pages as their scripts run, and what they say."""

from __future__ import annotations

import json
import re

from streamlit.testing.v1 import AppTest

from orchestration.core.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "dashboard" / "app.py"


def open_app(page: str, **query: str) -> AppTest:
    """The page of a link, once run, on the home that the environment names."""
    app = AppTest.from_file(str(APP), default_timeout=300)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return app if page == "overview" else turned(app, page)


def turned(app: AppTest, page: str) -> AppTest:
    """Go to another page."""
    app.switch_page(f"screens/{page}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All text of a page, markup included."""
    assert not app.exception, app.exception[0].message
    bodies = [element.proto.body for element in app.main.get("html")] + _tables_of_rows(app)
    told = [element.value for kind in ("markdown", "caption", "warning", "info") for element in app.get(kind)]
    return "\n".join(bodies + told)


def _tables_of_rows(app: AppTest) -> list[str]:
    """Tables whose rows open something."""
    return [json.loads(element.proto.json) for element in app.main.get("bidi_component")]


def tables(app: AppTest) -> list[list[list[str]]]:
    """Words of the cells of every table of a page: those whose rows open something last."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", words(app))
    rows = [[re.findall(r"<td[^>]*>(.*?)</td>", row) for row in body.split("<tr")[1:]] for body in bodies]
    return [[[re.sub("<[^>]*>", "", cell) for cell in row] for row in own] for own in rows]


def tiles(app: AppTest) -> dict[str, str]:
    """The figure of every tile by its label."""
    return {metric.label: metric.value for metric in app.metric}
