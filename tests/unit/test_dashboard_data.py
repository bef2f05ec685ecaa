"""What the pages ask of a release, against persons counted one by one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
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
from orchestration.core.settings import Settings
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.publish.quality import undelivered_alerts
from orchestration.publish.releases import Release

WORLD, DAY = World(), timedelta(days=1)
ABOVE = [stage for stage in STAGES if stage != "O"]
LUMEN = {"preset": "gross", "brand": "lumen"}
Ask = Callable[..., pd.DataFrame]
Home = tuple[Settings, Release]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return published(tmp_path_factory.mktemp("home"), WORLD)


@pytest.fixture(scope="module")
def ask(home: Home) -> Iterator[Ask]:
    with releases.connect(home[1].folder) as connection:
        yield partial(releases.ask, connection)


def told_flow(moved: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {(row.from_stage, row.to_stage): row.persons for row in moved.itertuples()}


def told_stock(stock: pd.DataFrame) -> dict[str, int]:
    return dict(zip(stock["stage"], stock["persons"], strict=True))


@pytest.mark.parametrize("preset", PRESETS)
def test_stock_is_that_of_the_persons(ask: Ask, preset: str) -> None:
    of_brands = ask(aipl.STOCK_OF_BRANDS, preset=preset, day=HORIZON)
    for brand, (_, _, last) in BRANDS.items():
        stock = ask(aipl.STOCK, preset=preset, brand=brand, first=last - 3 * DAY, day=last)
        assert list(dict.fromkeys(stock["as_of_date"])) == list(pd.date_range(last - 3 * DAY, last))
        for day, own in stock.groupby("as_of_date"):
            assert told_stock(own) == WORLD.stock(preset, brand, day.date())
            assert list(own["stage"]) == ABOVE

        on_last_day = of_brands[of_brands["brand_id"] == brand]
        assert set(on_last_day["as_of_date"].dt.date) == {last}
        assert told_stock(on_last_day) == WORLD.stock(preset, brand, last)


def test_the_funnel_counts_who_stands_there_or_beyond(ask: Ask) -> None:
    steps = aipl.funnel(ask(aipl.STOCK, **LUMEN, first=HORIZON, day=HORIZON))
    held = list(WORLD.stage_on("gross", "lumen", HORIZON).values())

    assert list(steps["stage"]) == ABOVE
    for row in steps.itertuples():
        assert row.persons == sum(STAGES[stage] >= STAGES[row.stage] for stage in held)
        assert row.of_all == pytest.approx(row.persons / len(held))
    assert steps["of_previous"].iloc[1] == pytest.approx(steps["persons"].iloc[1] / steps["persons"].iloc[0])
    assert aipl.funnel(ask(aipl.STOCK, preset="gross", brand="nobody", first=HORIZON, day=HORIZON)).empty


WEEK = (date(2024, 1, 7), date(2024, 1, 14))
OTHER_DAYS = (date(2024, 1, 9), date(2024, 2, 6))


def test_flow_is_that_of_the_persons(ask: Ask) -> None:
    month, a_day = (date(2023, 12, 31), date(2024, 1, 31)), (date(2024, 1, 20), date(2024, 1, 21))
    for preset, (start, end) in product(PRESETS, (WEEK, month, OTHER_DAYS, a_day)):
        moved = aipl.flow(partial(ask, preset=preset, brand="lumen"), start, end)
        assert told_flow(moved) == WORLD.flow(preset, "lumen", start, end)
        assert all(row.movement == movement(row.from_stage, row.to_stage) for row in moved.itertuples())


def test_a_week_is_read_from_its_mart_and_not_from_persons(home: Home) -> None:
    with duckdb.connect() as empty:
        empty.execute(f"attach '{home[1].folder / 'marts.duckdb'}' as release (read_only)")
        empty.execute("create table fct_aipl_flow as from release.fct_aipl_flow")
        asked = partial(releases.ask, empty, **LUMEN)
        assert told_flow(aipl.flow(asked, *WEEK)) == WORLD.flow("gross", "lumen", *WEEK)
        with pytest.raises(duckdb.CatalogException):
            aipl.flow(asked, *OTHER_DAYS)


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
    for day, others in ((HORIZON, ["USD"]), (FIRST + 7 * DAY, [])):
        assert ask(money.OTHER_CURRENCIES, **asked, day=day)["currency"].tolist() == others


def test_a_forecast_of_the_whole_period_holds_what_was_paid(ask: Ask) -> None:
    gaps = {row.method: row for row in ask(money.GAPS, **LUMEN).itertuples()}

    series = gaps["series"]
    assert (series.forecast_p10, series.forecast, series.forecast_p90) == (2200.0, 2700.0, 3700.0)
    assert series.target - series.forecast == series.gap
    assert pd.isna(gaps["consumer_asset"].forecast_p10)


def test_a_person_is_found_by_the_hash_alone(home: Home, ask: Ask) -> None:
    hashed = released(home[0].home, SOMEBODY)

    assert person.is_hash(hashed)
    assert not any(person.is_hash(text) for text in (SOMEBODY, "", hashed.upper(), hashed[:-1], "' or 1=1"))
    assert ask(person.PERSON, person_id=SOMEBODY).empty
    assert ask(person.PERSON, person_id=hashed)["key_count"].tolist() == [2]

    found = ask(person.EVIDENCE, preset="gross", person_id=hashed, day=HORIZON)
    row = found.iloc[0]
    assert len(found) == 1
    assert (row.brand_id, row.rule_id, row.evidence_days) == ("lumen", "i_product_view", 2)
    days = [moment.date() for moment in (row.first_evidence, row.last_evidence, row.expires_on)]
    assert days == [HORIZON - 4 * DAY, HORIZON - 2 * DAY, HORIZON + 13 * DAY]
    assert ask(person.EVIDENCE, preset="gross", person_id=hashed, day=HORIZON + 20 * DAY).empty

    history = ask(person.HISTORY, preset="gross", person_id=hashed)
    own = [row for row in WORLD.stretches() if row[0] == "gross" and row[2] == SOMEBODY and row[3] != "O"]
    assert sorted((row.brand_id, row.stage, row.valid_from.date()) for row in history.itertuples()) == sorted(
        (brand, stage, start) for _, brand, _, stage, start, _ in own
    )


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


def test_the_home_tells_its_gates_over_time(home: Home, tmp_path: Path) -> None:
    settings, _ = copied(home[0], tmp_path)
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

    for day, failed in enumerate((0, 1, 0)):
        at = datetime(2024, 2, 10 + day, tzinfo=UTC)
        write_report(gate_result(failed=failed, warned=day, at=at), settings.reports / "marts")
    (settings.reports / "marts" / "20240101T000000.000000Z-marts.json").write_text("{}")
    past = quality.pasts(settings)["marts:marts"]
    marks = quality.tables_over_time(past)
    assert marks[marks["table"] == "fct_aipl_daily"]["verdict"].tolist() == ["passed", "failed", "warning"]
