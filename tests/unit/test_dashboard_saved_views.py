"""Saved views: kept in a file of the home that people may write too, and opened by their links."""

from __future__ import annotations

from pathlib import Path

import pytest
from dashboard_app import open_app, tiles, turned
from dashboard_world import HORIZON, published

from dashboard.data.saved_views import FILE, SavedView, forget_view, read_views, save_view
from dashboard.text import text
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "sources.yml")


def test_views_are_kept_by_name_and_in_order(settings: Settings) -> None:
    assert read_views(settings) == {}
    one = SavedView("trade", {"brand": "a&b ö", "period": "latest:month"})
    other = SavedView("aipl", {})
    save_view(settings, "双十一 *: #1", one)
    save_view(settings, "stock", other)
    assert list(read_views(settings).items()) == [("双十一 *: #1", one), ("stock", other)]
    save_view(settings, "stock", one)
    forget_view(settings, "双十一 *: #1")
    forget_view(settings, "never saved")
    assert read_views(settings) == {"stock": one}
    assert (settings.home / FILE).read_text(encoding="utf-8").startswith("# Saved views")

    (settings.home / FILE).write_text("Last month: trade?brand=lumen&period=latest:month\n", encoding="utf-8")
    assert read_views(settings) == {
        "Last month": SavedView("trade", {"brand": "lumen", "period": "latest:month"})
    }
    (settings.home / FILE).write_text("# nothing yet\n", encoding="utf-8")
    assert read_views(settings) == {}


@pytest.mark.parametrize("wrong", ["- trade\n", "a: [b]\n", "a: {b\n", "just words\n"])
def test_a_file_that_is_no_list_of_views_is_named_and_kept(settings: Settings, wrong: str) -> None:
    (settings.home / FILE).write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError, match=FILE):
        read_views(settings)
    with pytest.raises(InputError, match=FILE):
        save_view(settings, "mine", SavedView("trade", {}))
    assert (settings.home / FILE).read_text(encoding="utf-8") == wrong


def test_what_is_shown_is_saved_with_its_defaults_and_follows_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = published(tmp_path)
    monkeypatch.setenv("AIPL_HOME", str(tmp_path))
    app = open_app("trade", brand="lumen", period="latest:week", trade_by_day="buyers")

    def press(button: str, name: str) -> None:
        app.text_input(key="saved_name").set_value(name)
        next(one for one in app.button if one.label == text("en", button)).click().run()
        assert not app.exception

    press("save_view", " ")
    assert text("en", "saved_name_missing") in [one.value for one in app.warning]
    press("save_view", "Buyers of last week")
    (saved,) = read_views(settings).values()
    assert saved.page == "trade"
    shown = {"brand": "lumen", "period": "latest:week", "compare": "previous", "trade_by_day": "buyers"}
    assert saved.choices.items() >= shown.items()
    assert saved.choices["trade_by_hour"] == "paid_amount" and "lang" not in saved.choices
    assert tiles(open_app("trade", **saved.choices)) == tiles(app)

    app.checkbox(key="follow_data").uncheck()
    press("save_view", "That week")
    assert read_views(settings)["That week"].choices["period"] == "week:2024-02-05"
    app = turned(app, "overview")
    app.date_input(key="date").set_value(HORIZON.replace(day=3)).run()
    press("save_view", "A day")
    assert read_views(settings)["A day"].choices["date"] == "2024-02-03"
    press("remove_view", "A day")
    assert list(read_views(settings)) == ["Buyers of last week", "That week"]

    (tmp_path / FILE).write_text("old: reports?x=1\n'[a](b)': trade?brand=lumen\n", encoding="utf-8")
    app.run()
    gone = text("en", "saved_view_of_no_page", name="old", page="reports")
    assert gone in [one.value for one in app.sidebar.caption]
    (tmp_path / FILE).write_text("[", encoding="utf-8")
    app.run()
    assert not app.exception and FILE in app.warning[-1].value
