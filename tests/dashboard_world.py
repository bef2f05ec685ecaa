"""A home with a published release of a small world, whose truth is known person by person and day by day.

The marts have the columns that their contracts declare. Stock, flow and FAST are counted here from the stages
of persons, the simplest way there is; publication is the program's own.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import dashboard_shop
import duckdb
import pandas as pd
from unit.publish_home import HomeSettings, make_home

from expectations.contracts import read_contracts
from expectations.results import ExpectationResult, GateResult
from orchestration.build.state import Build, GateRecord, write_build, write_gate
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.release import Release, publish, read_current

DAY = timedelta(days=1)
PRESETS = ("consumer_asset", "gross")
PERSONS = 60
STAGES = {"O": 0, "A": 1, "I": 2, "P": 3, "L": 4}
NAMES = {
    "O": ("Opportunity", "机会"),
    "A": ("Awareness", "认知"),
    "I": ("Interest", "兴趣"),
    "P": ("Purchase", "购买"),
    "L": ("Loyalty", "忠诚"),
}
FIRST, HORIZON = date(2024, 1, 1), date(2024, 2, 11)
BRANDS = {
    "lumen": ("Lumen", "CNY", HORIZON),
    "cedar": ("Cedar & Söhne", "EUR", HORIZON - 3 * DAY),
    "maple": ("Maple", "CNY", HORIZON),
}
# Of each brand: when members joined, by the number of the person; the first ones are active.
ACTIVE = 7
JOINED = {number: FIRST + number * DAY for number in range(30)}
FOREVER = date(9999, 12, 31)
SOMEBODY = "shop:m:7"
Stretch = tuple[str, str, str, str, date, date]


def movement(before: str, after: str) -> str:
    """What a change of stage is called."""
    if before == after:
        return "kept"
    if before == "O":
        return "new"
    if after == "O":
        return "lost"
    return "deepened" if STAGES[after] > STAGES[before] else "shallowed"


@dataclass(frozen=True)
class World:
    """Stretches of days of all persons in all presets and brands, drawn from a seed.

    Worlds are few and live as long as the tests, so what they answer is remembered.
    """

    seed: int = 1

    @cache  # noqa: B019
    def stretches(self) -> list[Stretch]:
        """Rows (preset, brand, person, stage, from, to) without gap from each person's first day on.

        Neighbours differ.
        """
        draw, rows = random.Random(self.seed), []
        for preset, brand, number in product(PRESETS, BRANDS, range(PERSONS)):
            person, day, stage = f"shop:m:{number}", FIRST + draw.randrange(-3, 30) * DAY, "O"
            while day < HORIZON + 20 * DAY or stage == "O":
                stage = draw.choice([other for other in STAGES if other != stage])
                end = day + draw.randrange(1, 15) * DAY
                rows.append((preset, brand, person, stage, day, end))
                day = end
            rows.append((preset, brand, person, "O", day, FOREVER))
        return rows

    @cache  # noqa: B019
    def stage_on(self, preset: str, brand: str, day: date) -> dict[str, str]:
        """Stage of each person who is above `O` on a day."""
        return {
            person: stage
            for p, b, person, stage, start, end in self.stretches()
            if (p, b) == (preset, brand) and start <= day < end and stage != "O"
        }

    def stock(self, preset: str, brand: str, day: date) -> dict[str, int]:
        """Persons by stage, zeros included."""
        found = list(self.stage_on(preset, brand, day).values())
        return {stage: found.count(stage) for stage in STAGES if stage != "O"}

    def union(self, preset: str, brand: str, first: date, last: date) -> set[str]:
        """Persons in a stage above O on any of these days."""
        return {
            person
            for p, b, person, stage, start, end in self.stretches()
            if (p, b) == (preset, brand) and stage != "O" and start <= last and end > first
        }

    def flow(self, preset: str, brand: str, start: date, end: date) -> dict[tuple[str, str], int]:
        """Persons by stage before and after, nobody to nobody left out."""
        before, after = self.stage_on(preset, brand, start), self.stage_on(preset, brand, end)
        moves = [(before.get(person, "O"), after.get(person, "O")) for person in before.keys() | after.keys()]
        return {move: moves.count(move) for move in sorted(set(moves))}


def periods(horizon: date) -> Iterator[tuple[str, date, date]]:
    """Complete weeks and months of the data."""
    for sunday in pd.date_range(FIRST, horizon, freq="W-SUN").date:
        yield "week", sunday - 6 * DAY, sunday
    yield "month", date(2024, 1, 1), date(2024, 1, 31)


def risen_in(world: World, preset: str, brand: str, start: date, end: date) -> set[str]:
    """Persons who are in a higher stage at the end of `end` than at that of `start`, where they had one."""
    before, after = world.stage_on(preset, brand, start), world.stage_on(preset, brand, end)
    return {
        person for person, stage in before.items() if movement(stage, after.get(person, "O")) == "deepened"
    }


def marts_of(world: World) -> dict[str, pd.DataFrame]:
    """Every mart that a page reads; of those with more columns than that, the columns that it reads."""
    return _listed(world) | _counted(world) | dashboard_shop.marts(BRANDS, FIRST)


def _frame(columns: str, rows: Iterable[Sequence[object]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split(), dtype=object)


def _listed(world: World) -> dict[str, pd.DataFrame]:
    """What is known of brands, presets, people and money, as it is."""
    paid = [
        ("lumen", currency, FIRST + n * DAY, 2, int(n == 4), 100 * n, n, int(n == 2), 99 * n)
        for n in range(0, 42, 2)
        for currency in (("CNY", "USD") if n == 40 else ("CNY",))
    ]
    paid.append(("lumen", "CNY", FIRST + 5 * DAY, 1, 1, None, 0, 0, None))
    rule = ("i_product_view", "I", 2, "touch", "product_view", 15, 1, "as_known", "stated", "high")
    february = ("lumen", "CNY", HORIZON, date(2024, 2, 1), date(2024, 2, 29), 5000, 1200, 18)
    forecasts = (
        ("consumer_asset", "interval_needs_more_backtests", None, 1500, None),
        ("series", "ok", 1000, 1500, 2500),
    )
    return {
        "dim_brand": _frame(
            "brand_id brand_name currency horizon timezone first_day is_unbranded is_stale",
            [(brand, *told, "Asia/Shanghai", FIRST, False, False) for brand, told in BRANDS.items()],
        ),
        "dim_aipl_stage": _frame(
            "preset stage stage_rank name_en name_zh",
            [(preset, stage, rank, *NAMES[stage]) for preset in PRESETS for stage, rank in STAGES.items()],
        ),
        "dim_aipl_rule": _frame(
            "preset rule_id stage stage_rank kind touch_kind window_days min_count refund_policy source"
            " confidence",
            [(preset, *rule) for preset in PRESETS],
        ),
        "dim_person": _frame(
            "person_id identity_space key_kind key_count first_seen_on last_seen_on",
            [(f"shop:m:{number}", "shop", "member", 2, FIRST, HORIZON) for number in range(PERSONS)],
        ),
        "fct_person_days": _frame(
            "brand_id person_id touch_kind touch_date refunded_on",
            [("lumen", SOMEBODY, "product_view", HORIZON - ago * DAY, FOREVER) for ago in (30, 4, 2)],
        ),
        "fct_person_states": _frame("brand_id", []),
        "fct_aipl_stage_history": _frame(
            "preset brand_id person_id stage valid_from valid_to stage_rank",
            [(*stretch, STAGES[stretch[3]]) for stretch in world.stretches()],
        ),
        "fct_money_daily": _frame(
            "brand_id currency money_date paid_orders unknown_amount_orders gross_paid_amount refunded_amount"
            " unknown_amount_refunds net_by_refund_day",
            paid,
        ),
        "fct_gmv_backtest": _frame(
            "preset brand_id method horizon_days backtests mape interval_backtests intervals_held",
            [
                (preset, "lumen", method, days, tests, error, tests - 1, 1)
                for preset in PRESETS
                for method, days, tests, error in (
                    ("consumer_asset", 7, 9, 0.1),
                    ("consumer_asset", 28, 6, 0.5),
                    ("series", 28, 3, 0.25),
                )
            ],
        ),
        "fct_gmv_forecast": _frame(
            "preset brand_id method horizon_days as_of_date p10 p50 p90",
            [(preset, "lumen", "series", 25, date(2024, 2, 4), None, 1800, None) for preset in PRESETS],
        ),
        "fct_consumer_gap": _frame(
            "preset brand_id currency as_of_date period_start period_end target_gmv actual_so_far"
            " days_remaining method status forecast_remaining_p10 forecast_remaining_p50"
            " forecast_remaining_p90 forecast_gmv gap extra_prospects buyer_rate_lift other_currency_orders",
            [(preset, *february, *told, 2700, 2300, 77, 0.05, 2) for preset in PRESETS for told in forecasts],
        ),
    }


def _counted(world: World) -> dict[str, pd.DataFrame]:
    """What is counted by day, and by week and month, from the persons' stages."""
    daily, flows, fast, changes, tiers, deepening, deepened_persons = [], [], [], [], [], [], []
    for preset, (brand, (_, _, horizon)) in product(PRESETS, BRANDS.items()):
        for day in pd.date_range(FIRST - DAY, horizon).date:
            stock = world.stock(preset, brand, day)
            daily += [(preset, brand, day, stage, STAGES[stage], stock[stage]) for stage in stock]
        for kind, start, end in periods(horizon):
            period = (preset, brand, kind, start, end)
            moves = world.flow(preset, brand, start - DAY, end)
            flows += [(*period, *move, movement(*move), persons) for move, persons in moves.items()]
            risen = risen_in(world, preset, brand, start - DAY, end)
            deepened = len(risen)
            begun, ended = (world.stock(preset, brand, day) for day in (start - DAY, end))
            stock = sum(begun.values())
            members = sum(joined <= end for joined in JOINED.values())
            active = ACTIVE / members
            union = len(world.union(preset, brand, start, end))
            counts = (union, sum(ended.values()), stock, stock - begun["L"], deepened)
            ratios = (deepened / stock if stock else None, members, members, ACTIVE, active, ACTIVE, active)
            fast.append((*period, *counts, *ratios))
            changes.append((*period, "thriving_rate", ACTIVE, members, active, 0.5, active / 0.5 - 1))
            tiers.append((*period, 1, members, ACTIVE, active))
            if deepened:
                channel = "=ads" if brand == "lumen" else "none seen"
                deepening.append((*period, "first_touch", channel, "spring", deepened))
                deepened_persons += [(*period, person, end, channel, "spring") for person in sorted(risen)]

    def by_period(columns: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
        return _frame(f"preset brand_id period_type period_start period_end {columns}", rows)

    return {
        "fct_aipl_daily": _frame("preset brand_id as_of_date stage stage_rank persons", daily),
        "fct_aipl_flow": by_period("from_stage to_stage movement persons", flows),
        "fct_fast": by_period(
            "fertility_union fertility_end start_stock start_stock_eligible deepened advancing_rate"
            " superiority_members members thriving_members thriving_rate thriving_superior_members"
            " thriving_rate_superior",
            fast,
        ),
        "fct_fast_changes": by_period(
            "metric numerator denominator value previous_value change_on_previous", changes
        ),
        "fct_fast_tiers": by_period("tier members thriving_members thriving_rate", tiers),
        "fct_aipl_deepening": by_period("attribution_rule channel campaign_id persons", deepening),
        "fct_aipl_deepened_persons": by_period("person_id deepened_on channel campaign_id", deepened_persons),
        "fct_member_history": _frame(
            "preset brand_id person_id tier is_superior is_thriving valid_from valid_to",
            [
                (preset, brand, f"shop:m:{number}", 1, True, number < ACTIVE, joined, FOREVER)
                for preset, brand in product(PRESETS, BRANDS)
                for number, joined in JOINED.items()
            ],
        ),
    }


def gate_result(
    *, warned: int = 0, failed: int = 0, at: datetime = datetime(2024, 2, 12, 3, tzinfo=UTC)
) -> GateResult:
    """A run of the mart gate with so many findings among ten checks."""

    def result(number: int) -> ExpectationResult:
        unmet = number < failed or number >= 10 - warned
        return ExpectationResult(
            table="fct_fast" if number % 2 else "fct_aipl_daily",
            name=f"rule_{number}",
            description=f"rule {number} holds",
            column=None,
            severity="critical" if number < 5 else "warning",
            owner="consumer-analytics",
            status="failed" if unmet else "passed",
            observed="observed <b>more</b>" if unmet else None,
        )

    return GateResult("marts", "marts", at, at + timedelta(seconds=2), tuple(map(result, range(10))))


def published(
    home: Path, world: World | None = None, *, gate: GateResult | None = None
) -> tuple[Settings, Release]:
    """Build and publish the world in a home, over what was there before."""
    world, gate = world or World(), gate or gate_result()
    settings = HomeSettings(home, home / "sources.yml") if (home / "project").exists() else make_home(home)
    build_id = f"{world.seed}" * 64
    settings.warehouse.unlink(missing_ok=True)
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema marts")
        for mart, told in marts_of(world).items():
            declared = ", ".join(f"{column.name} {column.data_type}" for column in contracts[mart].columns)
            connection.execute(f"create table marts.{mart} ({declared})")
            connection.register("told", told)
            connection.execute(f"insert into marts.{mart} by name from told")
    write_build(settings, Build("complete", "program", build_id, rules="rules that were built"))
    judged(settings, build_id, gate)
    return settings, publish(settings, datetime(2024, 2, 12, 4, tzinfo=UTC) + world.seed * timedelta(hours=1))


def copied(settings: Settings, home: Path) -> tuple[Settings, Release]:
    """A home of its own with the same state, for a test that spoils it; cheaper than to publish once more."""
    shutil.copytree(settings.home, home, symlinks=True, dirs_exist_ok=True)
    own = HomeSettings(home, home / "sources.yml")
    release = read_current(own)
    assert release is not None
    return own, release


def judged(settings: Settings, build_id: str, gate: GateResult) -> None:
    """Let the gate's verdict on a build be known."""
    record = GateRecord(
        build_id,
        gate.outcome == "passed",
        gate.finished_at.isoformat(timespec="seconds"),
        json.loads(gate.to_json()),
    )
    write_gate(settings, record)
