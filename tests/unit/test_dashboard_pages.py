"""What the pages ask of a release, and the pages as their scripts run, without a browser."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from dashboard_app import APP, open_app, tables, tiles, turned, words
from dashboard_world import (
    ACTIVE,
    BRANDS,
    FIRST,
    HORIZON,
    JOINED,
    NAMES,
    PRESETS,
    SOMEBODY,
    STAGES,
    World,
    copied,
    gate_result,
    judged,
    marts_of,
    movement,
    published,
    risen_in,
)
from released import released
from streamlit.testing.v1 import AppTest

from dashboard.charts.theme import MOVEMENTS
from dashboard.data import aipl, fast, money, person, quality
from dashboard.data import release as releases
from dashboard.data.definitions import document, parts
from dashboard.text import LANGUAGES, text
from dashboard.view import connection_of
from expectations.page import write_report
from orchestration.alerts.findings import End
from orchestration.alerts.handling import mute, undelivered_alerts
from orchestration.alerts.outbox import Outbox
from orchestration.build.rejects import kept_changes
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.publish.releases import Release

PAGES = [file.stem for file in sorted((APP.parent / "screens").glob("*.py"))]
WORLD, DAY = World(), timedelta(days=1)
ABOVE = [stage for stage in STAGES if stage != "O"]
LUMEN = {"preset": "gross", "brand": "lumen"}
Open = Callable[..., AppTest]
Ask = Callable[..., pd.DataFrame]
Home = tuple[Settings, Release]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return published(tmp_path_factory.mktemp("home"), WORLD, gate=gate_result(warned=2))


@pytest.fixture
def ask(shared: Home) -> Ask:
    # That of the pages: a second one cannot be locked.
    return partial(releases.ask, connection_of(str(shared[1].folder)))


@pytest.fixture
def own(shared: Home, tmp_path: Path) -> Home:
    """A copy for a test that changes it."""
    return copied(shared[0], tmp_path)


def test_the_funnel_counts_who_stands_there_or_beyond(ask: Ask) -> None:
    steps = aipl.funnel(ask(aipl.STOCK, **LUMEN, first=HORIZON, day=HORIZON))
    held = list(WORLD.stage_on("gross", "lumen", HORIZON).values())

    assert list(steps["stage"]) == ABOVE
    for row in steps.itertuples():
        assert row.persons == sum(STAGES[stage] >= STAGES[row.stage] for stage in held)
        assert row.of_all == pytest.approx(row.persons / len(held))
    assert steps["of_previous"].iloc[1] == pytest.approx(steps["persons"].iloc[1] / steps["persons"].iloc[0])
    assert aipl.funnel(ask(aipl.STOCK, preset="gross", brand="nobody", first=HORIZON, day=HORIZON)).empty


WEEK, MONTH = (date(2024, 1, 7), date(2024, 1, 14)), (date(2023, 12, 31), date(2024, 1, 31))
A_DAY, OTHER_DAYS = (date(2024, 1, 20), date(2024, 1, 21)), (date(2024, 1, 9), date(2024, 2, 6))


def test_flow_is_that_of_the_persons(ask: Ask) -> None:
    for preset, (start, end) in product(PRESETS, (WEEK, MONTH, A_DAY, OTHER_DAYS)):
        moved = aipl.flow(partial(ask, preset=preset, brand="lumen"), start, end)
        moves = WORLD.flow(preset, "lumen", start, end)
        told = [(row.from_stage, row.to_stage, row.movement, row.persons) for row in moved.itertuples()]
        assert sorted(told) == [(*move, movement(*move), persons) for move, persons in moves.items()]


def test_movements_add_up_stage_by_stage(ask: Ask) -> None:
    account = aipl.movements(aipl.flow(partial(ask, **LUMEN), *OTHER_DAYS), ABOVE)

    assert list(account["stage"]) == [*ABOVE, ""]
    whole = account.iloc[-1]
    assert whole.deepened_in == whole.deepened_out > 0
    assert whole.shallowed_in == whole.shallowed_out > 0
    assert aipl.is_conserved(account)

    account.loc[0, "after"] += 1
    assert not aipl.is_conserved(account)


def test_periods_end_by_the_day_and_deepening_adds_up_to_their_flow(ask: Ask) -> None:
    known = ask(aipl.PERIODS, **LUMEN, day=date(2024, 1, 31))
    assert [(row.period_type, row.period_end.date()) for row in known.itertuples()] == [
        ("month", date(2024, 1, 31)),
        *(("week", date(2024, 1, day)) for day in (28, 21, 14, 7)),
    ]

    found = ask(aipl.DEEPENING, **LUMEN, period_type="week", period_start=WEEK[0] + DAY)
    moves = WORLD.flow("gross", "lumen", *WEEK)
    assert found["persons"].sum() == sum(n for move, n in moves.items() if movement(*move) == "deepened")


def test_fast_stops_at_the_day_and_brings_the_parts_of_each_ratio(ask: Ask) -> None:
    weeks = ask(fast.FAST, **LUMEN, period_type="week", day=date(2024, 1, 20))

    assert list(weeks["period_end"].dt.date) == [date(2024, 1, 7), date(2024, 1, 14)]
    for row in weeks.itertuples():
        begun = sum(WORLD.stock("gross", "lumen", row.period_start.date() - DAY).values())
        assert row.start_stock == begun
        assert row.advancing_rate == pytest.approx(row.deepened / begun)
    shown = [column for name in fast.LETTERS for column in fast.letter(weeks, name)]
    assert set(fast.METRICS) <= set(shown)
    assert {metric for metrics in fast.LETTERS.values() for metric in metrics} == set(fast.METRICS)

    for sql, kind, last in ((fast.CHANGES, "week", HORIZON), (fast.TIERS, "month", date(2024, 1, 31))):
        assert set(ask(sql, **LUMEN, period_type=kind, day=HORIZON)["period_end"].dt.date) == {last}


def test_money_has_every_day_and_leaves_unknown_amounts_unknown(ask: Ask) -> None:
    asked = {"brand": "lumen", "currency": "CNY", "first": FIRST}
    days = ask(money.DAILY, **asked, day=FIRST + 7 * DAY)

    assert list(days["day"].dt.date) == [FIRST + number * DAY for number in range(8)]
    assert days["gross"].fillna(-1).tolist() == [0, 0, 200, 0, 400, -1, 600, 0]
    assert days["net"].fillna(-1).tolist() == [0, 0, 198, 0, 396, -1, 594, 0]
    assert days["unknown_amount_orders"].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert days["unknown_amount_refunds"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    for day, others in ((HORIZON, ["USD"]), (FIRST + 7 * DAY, [])):
        assert ask(money.OTHER_CURRENCIES, **asked, day=day)["currency"].tolist() == others


def test_a_forecast_of_the_whole_period_holds_what_was_paid(ask: Ask) -> None:
    gaps = {row.method: row for row in ask(money.GAPS, **LUMEN).itertuples()}

    series = gaps["series"]
    assert (series.forecast_p10, series.forecast, series.forecast_p90) == (2200.0, 2700.0, 3700.0)
    assert series.target - series.forecast == series.gap
    assert pd.isna(gaps["consumer_asset"].forecast_p10)


def test_a_person_is_found_by_the_hash_alone(shared: Home, ask: Ask) -> None:
    hashed = released(shared[0].home, SOMEBODY)

    assert person.is_hash(hashed)
    assert not any(person.is_hash(text) for text in (SOMEBODY, "", hashed.upper(), hashed[:-1], "' or 1=1"))
    assert ask(person.PERSON, person_id=hashed)["key_count"].tolist() == [2]

    found = ask(person.EVIDENCE, preset="gross", person_id=hashed, day=HORIZON)
    (row,) = found.itertuples()
    assert (row.brand_id, row.rule_id, row.evidence_days) == ("lumen", "i_product_view", 2)
    days = [row.first_evidence, row.last_evidence, row.expires_on]
    assert days == [pd.Timestamp(HORIZON) + number * DAY for number in (-4, -2, 13)]
    assert ask(person.EVIDENCE, preset="gross", person_id=hashed, day=HORIZON + 20 * DAY).empty

    history = ask(person.HISTORY, preset="gross", person_id=hashed)
    assert {(row.brand_id, row.stage, row.valid_from.date()) for row in history.itertuples()} == {
        (brand, stage, start)
        for preset, brand, who, stage, start, _ in WORLD.stretches()
        if (preset, who) == ("gross", SOMEBODY) and stage != "O"
    }


def test_a_release_is_opened_for_reading_alone(ask: Ask) -> None:
    with pytest.raises(duckdb.Error, match="read-only"):
        ask("create table written as select 1")
    with pytest.raises(duckdb.Error, match="disabled"):
        ask("select * from read_csv('/etc/passwd')")


def test_the_gate_is_counted_by_table() -> None:
    gate = gate_result(failed=1, warned=2)

    counted = ["table", "checks", "failed", "warned", "passed", "outcome"]
    assert quality.tables_of(gate)[counted].to_numpy().tolist() == [
        ["fct_aipl_daily", 5, 1, 1, 3, "failed"],
        ["fct_fast", 5, 0, 1, 4, "warning"],
    ]
    assert quality.findings_of(gate)["verdict"].tolist() == ["failed", "warning", "warning"]


def test_the_home_tells_its_gates_over_time(own: Home) -> None:
    settings, _ = own
    shutil.rmtree(settings.reports)
    assert quality.pasts(settings) == {}
    judged(settings, "9" * 64, gate_result(failed=2))
    observe_mart_gate(settings)
    with Outbox(settings.alerts) as outbox:
        known = [(one.opened_at, one.finding.title) for one in outbox.open_incidents()]
    found = quality.incidents(settings)
    assert found is not None and len(known) == 2
    assert list(zip(found["opened_at"].dt.to_pydatetime(), found["title"], strict=True)) == known
    settings.alerts.chmod(0o444)
    read_only = quality.incidents(settings)
    assert read_only is not None and read_only.equals(found)
    settings.alerts.unlink()
    assert quality.incidents(settings) is None and undelivered_alerts(settings) == 0

    for day, failed in enumerate((0, 1, 0)):
        at = datetime(2024, 2, 10 + day, tzinfo=UTC)
        write_report(gate_result(failed=failed, warned=day, at=at), settings.reports / "marts")
    (settings.reports / "marts" / "20240101T000000.000000Z-marts.json").write_text("{}")
    past = quality.pasts(settings)["marts:marts"]
    marks = quality.tables_over_time(past)
    assert marks[marks["table"] == "fct_aipl_daily"]["verdict"].tolist() == ["passed", "failed", "warning"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, shared: Home) -> Open:
    """Opens the page of a link, once run."""

    def opening(page: str = "overview", home: Path = shared[0].home, **query: str) -> AppTest:
        monkeypatch.setenv("AIPL_HOME", str(home))
        return open_app(page, **query)

    return opening


def stock_of(world: World, brand: str, preset: str, language: int = 0) -> dict[str, str]:
    """The tiles of the stock on the brand's last day."""
    stock = world.stock(preset, brand, BRANDS[brand][2])
    tiles = {f"{stage} {NAMES[stage][language]}": persons for stage, persons in stock.items()}
    tiles[text(list(LANGUAGES)[language], "stock")] = sum(stock.values())
    return {label: f"{persons:,}" for label, persons in tiles.items()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_runs_and_says_what_it_reads(opened: Open, shared: Home, page: str, language: str) -> None:
    app = opened(page, lang=language)
    told, checks = words(app), len(shared[1].manifest["gates"]["marts"]["results"])

    assert shared[1].release_id in told
    assert text(language, f"{page}_page") in told
    assert text(language, "gate_warning", checks=checks, warned=2) in told
    assert text(language, "horizon") in told and "2024-02-" in told
    assert text(language, "broken_title") not in told
    if page == "quality":
        shown = {
            key: tiles(app)[text(language, key)] for key in ("checks", "unmet_critical", "unmet_warning")
        }
        assert shown == {"checks": str(checks), "unmet_critical": "0", "unmet_warning": "2"}
        assert told.count("observed &lt;b&gt;more&lt;/b&gt;") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_incident_is_taken_on_or_put_off_on_the_page(opened: Open, own: Home, language: str) -> None:
    settings, _ = own
    judged(settings, "9" * 64, gate_result(failed=2))
    observe_mart_gate(settings)
    app = opened("quality", settings.home, lang=language)
    titles = list(app.multiselect(key="incidents").options)
    assert len(titles) == 2 and titles[0].startswith("1: ")

    def save(option: str, *incidents: int, by: str = "ada") -> None:
        app.multiselect(key="incidents").set_value(list(incidents))
        app.selectbox(key="take_on_option").set_value(option)
        app.text_input(key="your_name").set_value(by)
        app.button[0].click().run()

    mute(settings, "4h", "known", "ada", datetime.now(UTC), rule="fct_*")
    save("ack", 1, by=" ")
    assert text(language, "take_on_incomplete") in words(app)
    save("ack", 1)
    assert text(language, "taken_by", by="ada") in words(app)
    assert "rule fct_*" in words(app) and "known" in words(app)
    save("1d", 2)
    assert text(language, "snoozed_by", by="ada", until="")[:10] in words(app)
    with Outbox(settings.alerts) as outbox:
        first, second = outbox.open_incidents()
    assert (first.acked_by, second.acked_by, second.snoozed_by) == ("ada", None, "ada")
    with Outbox(settings.alerts) as outbox:
        outbox.end(lambda _: End("recovered"), datetime.now(UTC))
    save("ack", 1)
    assert text(language, "no_incidents") in words(app)
    with pytest.raises(InputError, match="No incident 1 is open"):
        quality.handle(settings, [1], "ack", "ada")


def test_filters_change_the_numbers_and_the_link_that_opens_the_same_view(opened: Open) -> None:
    app = opened(brand="cedar")
    assert tiles(app).items() >= stock_of(WORLD, "cedar", "consumer_asset").items()
    app.selectbox(key="brand").set_value("lumen").run()
    assert tiles(app).items() >= stock_of(WORLD, "lumen", "consumer_asset").items()
    app.selectbox(key="preset").set_value("gross").run()
    assert tiles(app).items() >= stock_of(WORLD, "lumen", "gross").items()

    of_lumen = "preset == 'gross' and brand_id == 'lumen' and period_type == 'week'"
    last = marts_of(WORLD)["fct_fast"].query(of_lumen).iloc[-1]
    counts = [f"{last.fertility_union:,}", f"{last.superiority_members:,}"]
    rates = [f"{last.advancing_rate:.1%}", f"{last.thriving_rate:.1%}"]
    assert [metric.value for metric in app.metric[5:9]] == [counts[0], rates[0], counts[1], rates[1]]
    for row, brand in zip(tables(app)[-1], ("cedar", "lumen", "maple"), strict=True):
        persons = list(WORLD.stock("gross", brand, BRANDS[brand][2]).values())
        shown = [f"{number:,}" for number in (*persons, sum(persons))]
        assert row[1:] == [f"{BRANDS[brand][2]}", *shown]

    day = FIRST + 7 * DAY
    app.date_input(key="date").set_value(day).run()
    now, before = (sum(WORLD.stock("gross", "lumen", one).values()) for one in (day, FIRST))
    assert app.metric[0].value == f"{now:,}"
    assert app.metric[0].delta.startswith(f"{now - before:+,}".replace("-", "−"))

    linked = {name: app.query_params[name] for name in ("brand", "preset", "date", "lang")}
    assert linked == {"brand": "lumen", "preset": "gross", "date": day.isoformat(), "lang": "en"}
    same = opened(**linked)
    assert tiles(same) == tiles(app)
    turned(same, "fast")
    assert (same.session_state["brand"], same.session_state["date"]) == ("lumen", day)


def test_a_link_to_what_is_not_there_says_so(opened: Open) -> None:
    app = opened(brand="nobody", date="2031-01-01", lang="zh")

    assert "nobody" in words(app) and "2031-01-01" in words(app)
    assert tiles(app).items() >= stock_of(WORLD, "cedar", "consumer_asset", 1).items()
    assert len(app.info) == 2
    app.run()
    assert not app.info


def test_a_publish_shows_on_the_next_click(opened: Open, own: Home) -> None:
    settings, first = own
    app = opened(home=settings.home, brand="lumen")
    assert first.release_id in words(app)

    _, second = published(settings.home, World(2))
    app.run()
    assert second.release_id in words(app) and first.release_id not in words(app)
    assert tiles(app).items() >= stock_of(World(2), "lumen", "consumer_asset").items()


def test_money_that_is_left_out_is_counted(opened: Open) -> None:
    told = words(opened(brand="lumen"))
    assert text("en", "unknown_refunds", refunds=1) in told
    assert text("en", "other_currency_orders", orders="2 (2024-02)") in told


def test_the_target_takes_the_method_that_met_the_past_better_and_says_how_well(opened: Open) -> None:
    app = opened(brand="lumen")
    told = words(app)
    for method, tests, error, held in (
        ("consumer_asset", 6, "50.0%", 5),
        ("series", 3, "25.0%", 2),
    ):
        said = {"method": text("en", f"method_{method}"), "days": 28, "tests": tests, "error": error}
        assert f"{text('en', 'backtest', **said)} {text('en', 'backtest_band', held=1, tests=held)}" in told
    assert app.session_state["method"] == "series"
    assert text("en", "few_backtests", fewest=5) in told
    assert text("en", "gap_of_past", day=HORIZON) not in told
    assert text("en", "methods_disagree") not in told


def test_the_target_is_seen_as_it_was_at_the_end_of_an_earlier_day(opened: Open) -> None:
    def shown(day: date, method: str) -> list[str]:
        app = opened(brand="lumen", date=f"{day}", method=method)
        assert text("en", "gap_of_past", day=day) in words(app)
        return next(row for rows in tables(app) for row in rows if row[0] == "2024-02")

    # Paid on 2 and 4 February, and 1,800 expected of the 25 days after that by the one that was tested then.
    with_forecast = ["2024-02", "¥5,000", "¥8,400", "−¥3,400", "–", "–"]
    day = date(2024, 2, 4)
    assert shown(day, "series") == [*with_forecast, text("en", "status_interval_needs_more_backtests")]
    untold = ["2024-02", "¥5,000", "–", "–", "–", "–", text("en", "status_not_forecast")]
    assert shown(day, "consumer_asset") == untold
    assert shown(day + DAY, "series") == untold
    # It had not begun.
    assert text("en", "no_targets") in words(opened(brand="lumen", date="2024-01-31"))


def test_a_day_is_jumped_to(opened: Open) -> None:
    app = opened(brand="lumen", date="2024-01-20")
    named = [text("en", f"jump_{name}") for name in ("latest", "week", "month")]
    assert app.pills(key="jump").options == named, "there is no year before"
    for name, day in zip(("month", "latest", "week"), (date(2024, 1, 31), HORIZON, HORIZON), strict=True):
        app.pills(key="jump").set_value(name).run()
        assert (app.session_state["date"], app.query_params["date"]) == (day, f"{day}")
        assert not app.pills(key="jump").value


def test_a_link_may_follow_the_data(opened: Open) -> None:
    assert opened(brand="lumen", date="latest").query_params["date"] == f"{HORIZON}"
    app = opened("trade", brand="lumen", period="latest:week")
    assert app.query_params["period"] == "week:2024-02-05"
    app = opened("trade", brand="lumen", period="latest:year")
    told = text("en", "not_in_release", filter=text("en", "period"), value="latest:year")
    assert told in words(app)


def test_the_account_of_a_flow_adds_up(opened: Open) -> None:
    start, end = FIRST + 8 * DAY, FIRST + 36 * DAY
    app = opened("aipl", brand="lumen", preset="gross", **{"from": f"{start}", "to": f"{end}"})

    told = words(app)
    before, after = (WORLD.stock("gross", "lumen", day) for day in (start, end))
    assert f"<b>{sum(before.values()):,}</b>" in told and f"<b>{sum(after.values()):,}</b>" in told
    assert text("en", "conserved") in told and text("en", "not_conserved") not in told
    account = next(rows for rows in tables(app) if rows[-1][0] == text("en", "all_stages"))
    assert [[row[0][0], row[1], row[-1]] for row in account[:-1]] == [
        [stage, f"{before[stage]:,}", f"{after[stage]:,}"] for stage in before
    ]

    app.date_input(key="to").set_value(start).run()
    assert text("en", "flow_backwards") in words(app)


def test_a_person_is_asked_for_by_hash_and_not_in_the_link(opened: Open, shared: Home) -> None:
    app = opened("person", brand="lumen")
    assert text("en", "person_empty_title") in words(app)
    for asked, title in ((SOMEBODY, "person_no_hash_title"), ("0" * 32, "person_unknown_title")):
        app.text_input(key="person").set_value(asked).run()
        assert text("en", title) in words(app)

    hashed = released(shared[0].home, SOMEBODY)
    app.text_input(key="person").set_value(hashed).run()
    told = words(app)
    assert "i_product_view" in told and f"{HORIZON + 13 * DAY}" in told
    stage = WORLD.stage_on("consumer_asset", "lumen", HORIZON).get(SOMEBODY, "O")
    assert f"<b>{stage} " in told
    assert hashed not in str(app.query_params)
    assert SOMEBODY not in told


def test_a_home_without_a_release_says_what_to_do(opened: Open, tmp_path: Path) -> None:
    app = opened(home=tmp_path)
    for page in PAGES:
        assert (text("en", "no_release") in words(turned(app, page))) == (page != "definitions")
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize("what", ["marts.duckdb", "manifest.json"])
def test_a_damaged_release_says_what_to_do(opened: Open, own: Home, what: str) -> None:
    file = own[1].folder / what
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:1000] if what == "manifest.json" else b"damaged")

    told = words(opened(home=own[0].home))
    assert text("en", "damaged_title") in told and what in told and "aipl rollback" in told


def test_a_release_that_lacks_a_table_breaks_one_page_only(opened: Open, own: Home) -> None:
    database = own[1].folder / "marts.duckdb"
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table fct_consumer_gap")
    app = opened(home=own[0].home)
    assert text("en", "broken_title") in words(app) and "fct_consumer_gap" in words(app)
    assert text("en", "broken_title") not in words(turned(app, "fast"))


def test_every_page_says_that_data_are_newer_and_changes_nothing(opened: Open, own: Home) -> None:
    def state() -> dict[Path, str]:
        files = [file for file in own[0].home.rglob("*") if file.is_file()]
        return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    judged(own[0], "9" * 64, gate_result(failed=3))
    before = state()
    app = opened(home=own[0].home)
    for page in PAGES:
        turned(app, page)
        told = [warning.value for warning in app.warning]
        assert any("quality gate stopped a newer build" in words and "3 critical" in words for words in told)
        assert any("old_shop" in words for words in told)
    assert state() == before


def test_what_the_home_keeps_may_be_missing_or_unreadable(opened: Open, own: Home) -> None:
    settings, _ = own
    told = words(opened("quality", home=settings.home))
    assert text("en", "loads_of_release") in told
    assert text("en", "loads_all_accepted", loads=1, rows=3) in told
    assert text("en", "no_manifest", file=settings.manifest) in told

    settings.manifest.write_bytes(b"no database" * 1000)
    settings.alerts.write_bytes(b"no database" * 1000)
    told = words(opened("quality", home=settings.home))
    assert told.count(text("en", "unreadable_title")) == 3
    assert text("en", "gate_tables") in told


def test_values_that_staging_changed_are_shown_the_most_frequent_first(opened: Open, own: Home) -> None:
    settings, _ = own
    assert text("en", "nothing_cleaned") in words(opened("quality", home=settings.home))

    kept = kept_changes(settings)
    kept.parent.mkdir(exist_ok=True)
    counts = [
        ("refunds", "amount", "sign", 7, ""),
        ("orders", "member_id", "placeholder", 1234, ""),
        ("orders", "device", "unknown", 9, "toaster 8, tv set 1"),
    ]
    found = [("shop", "docs", *told) for told in counts]
    pd.DataFrame(found, columns=quality.CLEANED).to_parquet(kept)
    told = words(opened("quality", home=settings.home))
    assert text("en", "nothing_cleaned") not in told
    rows = [["shop", "docs", "orders.member_id", text("en", "change_placeholder"), "1,234"]]
    rows.append(["shop", "docs", "orders.device", "unknown word: toaster 8, tv set 1", "9"])
    rows.append(["shop", "docs", "refunds.amount", text("en", "change_sign"), "7"])
    assert rows in tables(opened("quality", home=settings.home))
    kept.write_bytes(b"no Parquet")
    assert text("en", "unreadable_title") in words(opened("quality", home=settings.home))


def test_days_without_a_complete_week_say_so(opened: Open) -> None:
    app = opened(date="2024-01-03", brand="lumen")
    for page in ("overview", "aipl", "fast"):
        assert text("en", "no_week", day="2024-01-03") in words(turned(app, page))


@pytest.mark.parametrize("language", LANGUAGES)
def test_definitions_are_in_the_language_of_the_page_and_answer(opened: Open, language: str) -> None:
    app = opened("definitions", lang=language)
    introduction, *rest = parts(document("aipl", language))

    assert introduction.pieces[0][1] in [text.value for text in app.markdown]
    assert [box.label for box in app.main.expander] == [part.title for part in rest]
    assert any("fct_aipl_daily" in code.value for code in app.code)
    app.toggle[0].set_value(True).run()
    assert app.dataframe[0].value["rule_id"].tolist() == ["i_product_view"]


def test_the_people_behind_a_count_are_listed(opened: Open, shared: Home) -> None:
    start, end = FIRST + 8 * DAY, FIRST + 36 * DAY
    asked = {"brand": "lumen", "preset": "gross", "date": f"{end}", "from": f"{start}", "to": f"{end}"}
    app = opened("aipl", **asked)
    held = WORLD.stage_on("gross", "lumen", end)
    before = WORLD.stage_on("gross", "lumen", start)

    def listed(option: str) -> set[str]:
        app.selectbox(key="people").set_value(option).run()
        assert text("en", "people_differ", found=0)[:8] not in words(app)
        return set(app.dataframe[-1].value["person_id"])

    def hashed(people: set[str]) -> set[str]:
        return {released(shared[0].home, person) for person in people}

    for stage in ABOVE:
        assert listed(f"stage:{stage}") == hashed({who for who, own in held.items() if own == stage})
        reached = {who for who, own in held.items() if STAGES[own] >= STAGES[stage]}
        assert listed(f"beyond:{stage}") == hashed(reached)
    for one, other in (("A", "I"), ("O", "P"), ("L", "O")):
        moved = {
            who
            for who in before.keys() | held.keys()
            if (before.get(who, "O"), held.get(who, "O")) == (one, other)
        }
        if moved:
            assert listed(f"move:{one}:{other}") == hashed(moved)
    (moves,) = (own for own in tables(app) if "→" in own[0][0])
    kinds = {move.rpartition(": ")[2] for move, _ in moves}
    assert kinds == {text("en", f"movement_{kind}") for kind in MOVEMENTS if kind != "kept"}
    changed = sum(before.get(who, "O") != held.get(who, "O") for who in before.keys() | held.keys())
    assert sum(int(persons.replace(",", "")) for _, persons in moves) == changed
    risen = risen_in(WORLD, "gross", "lumen", FIRST - DAY, date(2024, 1, 31))
    app.selectbox(key="deepened").set_value("month:2024-01-01").run()
    assert listed("channel:=ads") == hashed(risen)


def test_the_people_behind_fast_are_listed(opened: Open, shared: Home) -> None:
    first, last = date(2024, 1, 1), date(2024, 1, 31)
    app = opened("fast", brand="lumen", preset="gross", by="month")
    members = {f"shop:m:{number}" for number, joined in JOINED.items() if joined <= last}
    expected = {
        "fertility_union": WORLD.union("gross", "lumen", first, last),
        "fertility_end": set(WORLD.stage_on("gross", "lumen", last)),
        "deepened": risen_in(WORLD, "gross", "lumen", first - DAY, last),
        "members": members,
        "superiority_members": members,
        "thriving_members": {f"shop:m:{number}" for number in range(ACTIVE)},
        "thriving_superior_members": {f"shop:m:{number}" for number in range(ACTIVE)},
    }
    assert expected.keys() == fast.PEOPLE.keys()
    for group, people in expected.items():
        app.selectbox(key="people").set_value(group).run()
        assert text("en", "people_differ", found=0)[:8] not in words(app)
        (list_of_people,) = (box.value for box in app.dataframe if "person_id" in box.value)
        assert set(list_of_people["person_id"]) == {released(shared[0].home, one) for one in people}, group
