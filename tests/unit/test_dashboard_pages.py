"""The pages as their scripts run, without a browser."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from dashboard_world import FIRST, HORIZON, SOMEBODY, World, copied, gate_result, judged, published
from released import released
from streamlit.testing.v1 import AppTest

from dashboard.data.definitions import document, parts
from dashboard.text import LANGUAGES, labels, text
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.releases import Release

APP = PROJECT_ROOT / "dashboard" / "app.py"
PAGES = [file.stem for file in sorted((APP.parent / "screens").glob("*.py"))]
WORLD, WEEK = World(), timedelta(days=7)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Release]:
    return published(tmp_path_factory.mktemp("home"), WORLD)


def opened(monkeypatch: pytest.MonkeyPatch, home: Path, page: str = "overview", **query: str) -> AppTest:
    """The page of a link, run once."""
    monkeypatch.setenv("AIPL_HOME", str(home))
    app = AppTest.from_file(str(APP), default_timeout=300)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return app if page == "overview" else turned(app, page)


def turned(app: AppTest, page: str) -> AppTest:
    app.switch_page(f"screens/{page}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All text of a page, markup included."""
    assert not app.exception, app.exception[0].message
    bodies = [element.proto.body for element in app.main.get("html")]
    told = [element.value for kind in ("markdown", "caption", "warning", "info") for element in app.get(kind)]
    return "\n".join(bodies + told)


def stock_tiles(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric[:5]}


def told_stock(brand: str, preset: str, language: int = 0) -> dict[str, str]:
    from dashboard_world import BRANDS, NAMES

    stock = WORLD.stock(preset, brand, BRANDS[brand][2])
    label = labels()["stock"]["zh" if language else "en"]
    return {label: f"{sum(stock.values()):,}"} | {
        f"{s} {NAMES[s][language]}": f"{n:,}" for s, n in stock.items()
    }


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_runs_and_says_what_it_reads(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], page: str, language: str
) -> None:
    settings, release = shared
    app = opened(monkeypatch, settings.home, page, lang=language)

    told, judged_rules = words(app), release.manifest["gates"]["marts"]["results"]
    assert release.release_id in told
    assert text(language, f"{page}_page") in told
    assert text(language, "gate_passed", checks=len(judged_rules), warned=0) in told
    assert text(language, "horizon") in told and "2024-02-" in told
    assert not any(key in told for key in ("broken_title", "unreadable_title"))
    assert text(language, "broken_title") not in told


def test_filters_change_the_numbers_and_the_link(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home)
    first = app.session_state["brand"]
    assert stock_tiles(app) == told_stock(first, "consumer_asset")

    other = {"cedar": "lumen", "lumen": "cedar"}[first]
    app.selectbox(key="brand").set_value(other).run()
    assert stock_tiles(app) == told_stock(other, "consumer_asset")
    app.selectbox(key="preset").set_value("gross").run()
    assert stock_tiles(app) == told_stock(other, "gross")
    day = FIRST + WEEK
    app.date_input(key="date").set_value(day).run()
    stock = WORLD.stock("gross", other, day)
    assert app.metric[0].value == f"{sum(stock.values()):,}"
    change = sum(stock.values()) - sum(WORLD.stock("gross", other, day - WEEK).values())
    assert app.metric[0].delta.startswith(f"{change:+,}".replace("-", "−"))
    linked = {name: app.query_params[name] for name in ("brand", "preset", "date", "lang")}
    assert linked == {"brand": other, "preset": "gross", "date": day.isoformat(), "lang": "en"}


def test_a_link_opens_the_same_view(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home, brand="lumen", preset="gross", date="2024-01-20", lang="zh")

    assert app.metric[0].label == labels()["stock"]["zh"]
    assert (
        app.metric[0].value
        == f"{sum(WORLD.stock('gross', 'lumen', FIRST + 19 * timedelta(days=1)).values()):,}"
    )
    turned(app, "fast")
    assert app.session_state["brand"] == "lumen" and app.session_state["date"].isoformat() == "2024-01-20"


def test_a_link_to_what_is_not_there_says_so(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home, brand="nobody", date="2031-01-01")

    told = words(app)
    assert "nobody" in told and "2031-01-01" in told
    assert len(app.info) == 2
    app.run()
    assert not app.info


def test_a_publish_shows_on_the_next_click(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], tmp_path: Path
) -> None:
    settings, first = copied(shared[0], tmp_path)
    app = opened(monkeypatch, settings.home, brand="lumen")
    before = stock_tiles(app)
    assert first.release_id in words(app)

    _, second = published(tmp_path, World(2))
    app.run()
    assert second.release_id in words(app) and first.release_id not in words(app)
    stock = World(2).stock("consumer_asset", "lumen", HORIZON)
    assert app.metric[0].value == f"{sum(stock.values()):,}"
    assert stock_tiles(app) != before


def test_the_account_of_a_flow_adds_up(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    link = {"brand": "lumen", "preset": "gross", "from": "2024-01-09", "to": "2024-02-06"}
    app = opened(monkeypatch, shared[0].home, "aipl", **link)

    told = words(app)
    start, end = FIRST + 8 * timedelta(days=1), FIRST + 36 * timedelta(days=1)
    before, after = (sum(WORLD.stock("gross", "lumen", day).values()) for day in (start, end))
    assert f"<b>{before:,}</b>" in told and f"<b>{after:,}</b>" in told
    assert text("en", "conserved") in told and text("en", "not_conserved") not in told

    app.date_input(key="to").set_value(start).run()
    assert text("en", "flow_backwards") in words(app)


def test_a_person_is_asked_for_by_hash_and_not_in_the_link(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home, "person", brand="lumen")
    assert text("en", "person_empty_title") in words(app)

    app.text_input(key="person").set_value(SOMEBODY).run()
    assert text("en", "person_no_hash_title") in words(app)
    app.text_input(key="person").set_value("0" * 32).run()
    assert text("en", "person_unknown_title") in words(app)

    hashed = released(shared[0].home, SOMEBODY)
    app.text_input(key="person").set_value(hashed).run()
    told = words(app)
    assert "i_product_view" in told and f"{HORIZON + 13 * timedelta(days=1)}" in told
    stage = WORLD.stage_on("consumer_asset", "lumen", HORIZON).get(SOMEBODY, "O")
    assert f"<b>{stage} " in told
    assert hashed not in str(app.query_params)
    assert SOMEBODY not in told


@pytest.mark.parametrize("page", PAGES)
def test_a_home_without_a_release_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: str
) -> None:
    told = words(opened(monkeypatch, tmp_path, page))

    if page != "definitions":
        assert text("en", "no_release") in told
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize("what", ["marts.duckdb", "manifest.json"])
def test_a_damaged_release_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], tmp_path: Path, what: str
) -> None:
    settings, release = copied(shared[0], tmp_path)
    file = release.folder / what
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:1000] if what == "manifest.json" else b"damaged")

    told = words(opened(monkeypatch, settings.home))
    assert text("en", "damaged_title") in told and what in told and "aipl rollback" in told


def test_a_release_that_lacks_a_table_breaks_one_page_only(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], tmp_path: Path
) -> None:
    import duckdb

    settings, release = copied(shared[0], tmp_path)
    database = release.folder / "marts.duckdb"
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table fct_consumer_gap")
    app = opened(monkeypatch, settings.home)
    assert text("en", "broken_title") in words(app) and "fct_consumer_gap" in words(app)
    assert text("en", "broken_title") not in words(turned(app, "fast"))


def test_an_older_release_than_the_data_is_said_on_every_page(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], tmp_path: Path
) -> None:
    settings, _ = copied(shared[0], tmp_path)
    judged(settings, "9" * 64, gate_result(failed=3))
    app = opened(monkeypatch, settings.home)
    for page in PAGES:
        turned(app, page)
        told = [warning.value for warning in app.warning]
        assert any("quality gate stopped a newer build" in words and "3 critical" in words for words in told)
        assert any("old_shop" in words for words in told)


def test_days_without_a_complete_week_say_so(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home, date="2024-01-03", brand="lumen")
    assert text("en", "no_week", day="2024-01-03") in words(app)
    for page in ("aipl", "fast"):
        assert text("en", "no_week", day="2024-01-03") in words(turned(app, page))


def test_looking_changes_nothing_in_the_home(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], tmp_path: Path
) -> None:
    def state() -> dict[str, str]:
        return {
            str(file.relative_to(tmp_path)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(tmp_path.rglob("*"))
            if file.is_file()
        }

    settings, _ = copied(shared[0], tmp_path)
    before = state()
    app = opened(monkeypatch, settings.home)
    for page in PAGES:
        turned(app, page)
    assert state() == before


def test_a_definition_answers_from_the_release(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release]
) -> None:
    app = opened(monkeypatch, shared[0].home, "definitions")
    assert any("fct_aipl_daily" in code.value for code in app.code)

    app.toggle[0].set_value(True).run()
    answer = app.dataframe[0].value
    assert answer["rule_id"].tolist() == ["i_product_view"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_definitions_are_in_the_language_of_the_page(
    monkeypatch: pytest.MonkeyPatch, shared: tuple[Settings, Release], language: str
) -> None:
    app = opened(monkeypatch, shared[0].home, "definitions", lang=language)
    introduction, *rest = parts(document("aipl", language))

    assert introduction.pieces[0][1] in [text.value for text in app.markdown]
    assert [box.label for box in app.expander] == [part.title for part in rest]
