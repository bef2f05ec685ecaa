"""What the pages ask of a release, against persons counted one by one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from dashboard_world import (
    BRANDS,
    FIRST,
    HORIZON,
    PRESETS,
    SOMEBODY,
    STAGES,
    World,
    copied,
    gate_result,
    judged,
    movement,
    published,
)
from released import released

from dashboard.data import aipl, fast, money, person, quality
from dashboard.data import release as releases
from expectations.page import write_report
from orchestration.alerts.outbox import Outbox
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.publish.quality import stopped_build, undelivered_alerts
from orchestration.publish.releases import Release, read_current

WORLD, DAY = World(), timedelta(days=1)
ABOVE = [stage for stage in STAGES if stage != "O"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Release]:
    return published(tmp_path_factory.mktemp("home"), WORLD)


@pytest.fixture(scope="module")
def marts(home: tuple[Settings, Release]) -> Iterator[duckdb.DuckDBPyConnection]:
    with releases.connect(home[1].folder) as connection:
        yield connection


def told_flow(moved: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {(row.from_stage, row.to_stage): row.persons for row in moved.itertuples()}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("brand", BRANDS)
def test_stock_is_that_of_the_persons(marts: duckdb.DuckDBPyConnection, preset: str, brand: str) -> None:
    last = BRANDS[brand][2]
    stock = aipl.stock(marts, preset, brand, last - 3 * DAY, last)

    assert list(dict.fromkeys(stock["as_of_date"])) == list(pd.date_range(last - 3 * DAY, last))
    for day, own in stock.groupby("as_of_date"):
        assert dict(zip(own["stage"], own["persons"], strict=True)) == WORLD.stock(preset, brand, day.date())
        assert list(own["stage"]) == ABOVE


def test_brands_are_told_each_on_its_last_day(marts: duckdb.DuckDBPyConnection) -> None:
    stock = aipl.stock_of_brands(marts, "gross", HORIZON)

    for brand, (_, _, horizon) in BRANDS.items():
        own = stock[stock["brand_id"] == brand]
        assert set(own["as_of_date"].dt.date) == {horizon}
        assert dict(zip(own["stage"], own["persons"], strict=True)) == WORLD.stock("gross", brand, horizon)


def test_the_funnel_counts_who_stands_there_or_beyond(marts: duckdb.DuckDBPyConnection) -> None:
    steps = aipl.funnel(aipl.stock(marts, "gross", "lumen", HORIZON, HORIZON))
    held = list(WORLD.stage_on("gross", "lumen", HORIZON).values())

    assert list(steps["stage"]) == ABOVE
    for row in steps.itertuples():
        assert row.persons == sum(STAGES[stage] >= STAGES[row.stage] for stage in held)
        assert row.of_all == pytest.approx(row.persons / len(held))
    assert steps["of_previous"].iloc[1] == pytest.approx(steps["persons"].iloc[1] / steps["persons"].iloc[0])
    assert aipl.funnel(aipl.stock(marts, "gross", "nobody", HORIZON, HORIZON)).empty


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2024, 1, 7), date(2024, 1, 14)),
        (date(2023, 12, 31), date(2024, 1, 31)),
        (date(2024, 1, 9), date(2024, 2, 6)),
        (date(2024, 1, 20), date(2024, 1, 21)),
    ],
    ids=["week", "month", "any days", "a day"],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_flow_is_that_of_the_persons(
    marts: duckdb.DuckDBPyConnection, preset: str, start: date, end: date
) -> None:
    moved = aipl.flow(marts, preset, "lumen", start, end)

    assert told_flow(moved) == WORLD.flow(preset, "lumen", start, end)
    assert all(row.movement == movement(row.from_stage, row.to_stage) for row in moved.itertuples())


def test_a_week_is_read_from_its_mart_and_not_from_persons(home: tuple[Settings, Release]) -> None:
    with duckdb.connect() as empty:
        empty.execute(f"attach '{home[1].folder / 'marts.duckdb'}' as release (read_only)")
        empty.execute("create table fct_aipl_flow as from release.fct_aipl_flow")
        week = aipl.flow(empty, "gross", "lumen", date(2024, 1, 7), date(2024, 1, 14))
        assert told_flow(week) == WORLD.flow("gross", "lumen", date(2024, 1, 7), date(2024, 1, 14))
        with pytest.raises(duckdb.CatalogException):
            aipl.flow(empty, "gross", "lumen", date(2024, 1, 8), date(2024, 1, 14))


def test_movements_add_up_stage_by_stage(marts: duckdb.DuckDBPyConnection) -> None:
    start, end = date(2024, 1, 9), date(2024, 2, 6)
    account = aipl.movements(aipl.flow(marts, "gross", "lumen", start, end), ABOVE)

    assert list(account["stage"]) == [*ABOVE, ""]
    before, after = WORLD.stock("gross", "lumen", start), WORLD.stock("gross", "lumen", end)
    for row in account.iloc[:-1].itertuples():
        assert (row.before, row.after) == (before[row.stage], after[row.stage])
    whole = account.iloc[-1]
    assert (whole.before, whole.after) == (sum(before.values()), sum(after.values()))
    assert whole.deepened_in == whole.deepened_out > 0
    assert whole.shallowed_in == whole.shallowed_out > 0
    assert aipl.is_conserved(account)

    account.loc[0, "after"] += 1
    assert not aipl.is_conserved(account)


def test_periods_end_by_the_day(marts: duckdb.DuckDBPyConnection) -> None:
    known = aipl.periods(marts, "gross", "lumen", date(2024, 1, 31))

    assert [(row.period_type, row.period_end.date()) for row in known.itertuples()] == [
        ("month", date(2024, 1, 31)),
        ("week", date(2024, 1, 28)),
        ("week", date(2024, 1, 21)),
        ("week", date(2024, 1, 14)),
        ("week", date(2024, 1, 7)),
    ][: len(known)]
    assert len(known) == 5


def test_deepening_adds_up_to_the_flow(marts: duckdb.DuckDBPyConnection) -> None:
    found = aipl.deepening(marts, "gross", "lumen", "week", date(2024, 1, 8))
    moves = WORLD.flow("gross", "lumen", date(2024, 1, 7), date(2024, 1, 14))

    assert found["persons"].sum() == sum(n for move, n in moves.items() if movement(*move) == "deepened")


def test_fast_stops_at_the_day_and_brings_the_parts_of_each_ratio(marts: duckdb.DuckDBPyConnection) -> None:
    weeks = fast.fast(marts, "gross", "lumen", "week", date(2024, 1, 20))

    assert list(weeks["period_end"].dt.date) == [date(2024, 1, 7), date(2024, 1, 14)]
    for row in weeks.itertuples():
        begun = sum(WORLD.stock("gross", "lumen", row.period_start.date() - DAY).values())
        assert row.start_stock == begun
        assert row.advancing_rate == pytest.approx(row.deepened / begun)
    for metrics in fast.LETTERS.values():
        assert {part for metric in metrics for part in fast.METRICS[metric] if part} <= set(weeks.columns)
    assert {metric for metrics in fast.LETTERS.values() for metric in metrics} == set(fast.METRICS)

    assert set(fast.changes(marts, "gross", "lumen", "week", HORIZON)["period_end"].dt.date) == {HORIZON}
    assert set(fast.tiers(marts, "gross", "lumen", "month", HORIZON)["period_end"].dt.date) == {
        date(2024, 1, 31)
    }


def test_money_has_every_day_and_leaves_unknown_amounts_unknown(marts: duckdb.DuckDBPyConnection) -> None:
    days = money.daily(marts, "lumen", "CNY", FIRST, FIRST + 7 * DAY)

    assert list(days["day"].dt.date) == [FIRST + number * DAY for number in range(8)]
    assert days["gross"].fillna(-1).tolist() == [0, 0, 200, 0, 400, -1, 600, 0]
    assert days["net"].fillna(-1).tolist() == [0, 0, 198, 0, 396, -1, 594, 0]
    assert days["unknown_amount_orders"].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert money.other_currencies(marts, "lumen", "CNY", FIRST, HORIZON) == ["USD"]
    assert money.other_currencies(marts, "lumen", "CNY", FIRST, FIRST + 7 * DAY) == []


def test_a_forecast_of_the_whole_period_holds_what_was_paid(marts: duckdb.DuckDBPyConnection) -> None:
    gaps = {row.method: row for row in money.gaps(marts, "gross", "lumen").itertuples()}

    series = gaps["series"]
    assert (series.forecast_p10, series.forecast, series.forecast_p90) == (2200.0, 2700.0, 3700.0)
    assert series.target - series.forecast == series.gap
    assert pd.isna(gaps["consumer_asset"].forecast_p10)


def test_a_person_is_found_by_the_hash_alone(
    home: tuple[Settings, Release], marts: duckdb.DuckDBPyConnection
) -> None:
    settings, _ = home
    hashed = released(settings.home, SOMEBODY)

    assert person.is_hash(hashed)
    assert not any(person.is_hash(text) for text in (SOMEBODY, "", hashed.upper(), hashed[:-1], "' or 1=1"))
    assert person.person(marts, SOMEBODY).empty
    assert person.person(marts, hashed)["key_count"].tolist() == [2]

    found = person.evidence(marts, "gross", hashed, HORIZON)
    assert found[["brand_id", "rule_id", "evidence_days"]].to_numpy().tolist() == [
        ["lumen", "i_product_view", 2]
    ]
    row = found.iloc[0]
    assert row.first_evidence.date() == HORIZON - 4 * DAY
    assert row.last_evidence.date() == HORIZON - 2 * DAY
    assert row.expires_on.date() == HORIZON + 13 * DAY
    assert person.evidence(marts, "gross", hashed, HORIZON + 20 * DAY).empty

    history = person.history(marts, "gross", hashed)
    own = [row for row in WORLD.stretches() if row[0] == "gross" and row[2] == SOMEBODY and row[3] != "O"]
    assert sorted((row.brand_id, row.stage, row.valid_from.date()) for row in history.itertuples()) == sorted(
        (brand, stage, start) for _, brand, _, stage, start, _ in own
    )


def test_a_release_is_opened_for_reading_alone(marts: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="read-only"):
        marts.execute("create table written as select 1")
    with pytest.raises(duckdb.Error, match="disabled"):
        marts.execute("select * from read_csv('/etc/passwd')")


def test_who_has_a_release_open_keeps_it(home: tuple[Settings, Release], tmp_path: Path) -> None:
    settings, first = copied(home[0], tmp_path)
    with releases.connect(first.folder) as opened:
        before = aipl.stock(opened, "gross", "lumen", HORIZON, HORIZON)
        _, second = published(tmp_path, World(2))
        now = read_current(settings)

        assert now is not None and now.release_id == second.release_id != first.release_id
        assert aipl.stock(opened, "gross", "lumen", HORIZON, HORIZON).equals(before)
    with releases.connect(now.folder) as opened:
        stock = aipl.stock(opened, "gross", "lumen", HORIZON, HORIZON)
        assert dict(zip(stock["stage"], stock["persons"], strict=True)) == World(2).stock(
            "gross", "lumen", HORIZON
        )


def test_what_cannot_be_read_is_said(home: tuple[Settings, Release], tmp_path: Path) -> None:
    settings, release = copied(home[0], tmp_path)
    assert stopped_build(settings, release.manifest["build_id"]) is None
    judged(settings, "9" * 64, gate_result(failed=2))
    stopped = stopped_build(settings, release.manifest["build_id"])
    assert stopped is not None and stopped.findings == 2

    database = release.folder / "marts.duckdb"
    database.chmod(0o644)
    database.write_bytes(b"no database")
    with pytest.raises(releases.DamagedRelease, match=r"marts\.duckdb"):
        releases.connect(release.folder)
    (release.folder / "manifest.json").chmod(0o644)
    (release.folder / "manifest.json").write_text("{")
    with pytest.raises(EnvironmentStop, match="damaged"):
        read_current(settings)


def test_the_gate_is_counted_by_table_and_severity() -> None:
    gate = gate_result(failed=1, warned=2)

    tables = {row.table: row for row in quality.tables_of(gate).itertuples()}
    assert list(tables) == ["fct_aipl_daily", "fct_fast"]
    daily, other = tables["fct_aipl_daily"], tables["fct_fast"]
    assert (daily.checks, daily.failed, daily.warned, daily.passed, daily.outcome) == (5, 1, 1, 3, "failed")
    assert (other.checks, other.failed, other.warned, other.passed, other.outcome) == (5, 0, 1, 4, "warning")
    assert quality.severities_of(gate).to_numpy().tolist() == [["critical", 4, 1, 0], ["warning", 3, 2, 0]]
    assert quality.findings_of(gate)["verdict"].tolist() == ["failed", "warning", "warning"]


def test_the_home_tells_its_gates_over_time(home: tuple[Settings, Release], tmp_path: Path) -> None:
    settings, release = copied(home[0], tmp_path)
    shutil.rmtree(settings.reports)
    assert quality.pasts(settings) == {}
    judged(settings, "9" * 64, gate_result(failed=2))
    observe_mart_gate(settings)
    with Outbox(settings.alerts) as outbox:
        known = [(one.opened_at, one.finding.title) for one in outbox.open_incidents()]
    found = quality.incidents(settings)
    assert found is not None and len(known) == 2
    assert list(zip(found["opened_at"].dt.to_pydatetime(), found["title"], strict=True)) == known
    settings.alerts.unlink()
    assert quality.incidents(settings) is None and undelivered_alerts(settings) == 0
    assert quality.rejects(settings) is None
    loads, is_manifest = quality.loads(settings, release)
    assert not is_manifest
    assert loads[["source", "rows", "unreadable"]].to_numpy().tolist() == [["shop", 3, 1]]

    for day, failed in enumerate((0, 1, 0)):
        at = datetime(2024, 2, 10 + day, tzinfo=UTC)
        write_report(gate_result(failed=failed, warned=day, at=at), settings.reports / "marts")
    (settings.reports / "marts" / "20240101T000000.000000Z-marts.json").write_text("{}")
    past = quality.pasts(settings)["marts", "marts"]

    assert quality.trend_of(past)["verdict"].tolist() == ["passed", "failed", "warning"]
    marks = quality.tables_over_time(past)
    assert marks[marks["table"] == "fct_aipl_daily"]["verdict"].tolist() == ["passed", "failed", "warning"]
