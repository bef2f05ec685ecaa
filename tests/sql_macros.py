"""Macros of the dbt project as SQL for an engine, without dbt."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import jinja2

from orchestration.core.settings import PROJECT_ROOT

MACROS = PROJECT_ROOT / "dbt_project" / "macros"
TEXT = {"duckdb": "varchar", "spark": "string"}


def duckdb_macros(*files: str) -> Any:
    """The macros of some files below `macros/`, by name; each gives the SQL of DuckDB."""
    return engine_macros("duckdb", *files)


def engine_macros(engine: str, *files: str, zone: str = "UTC") -> Any:
    """The same for an engine; sources are in `zone`."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    # What a macro gives is text here, and none of it is false.
    environment.globals["return"] = lambda value: value or ""
    environment.globals["dbt"] = SimpleNamespace(type_string=lambda: TEXT[engine])
    environment.globals["model"] = SimpleNamespace(sources=[])
    environment.globals["modules"] = SimpleNamespace(re=re)
    environment.globals["source_setting"] = lambda _, key: zone if key == "timezone" else {}

    def dispatch(name: str) -> Any:
        return getattr(module, f"{engine}__{name}")

    environment.globals["adapter"] = SimpleNamespace(dispatch=dispatch)
    module: Any = environment.from_string("\n".join((MACROS / file).read_text() for file in files)).module
    return module
