"""A home with a published release of a small world, whose truth is known person by person and day by day.

The marts have the columns that their contracts declare. Stock, flow and FAST are counted here from the stages
of persons, the simplest way there is; publication is the program's own.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

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
STAGES = {"O": 0, "A": 1, "I": 2, "P": 3, "L": 4}
NAMES = {
    "O": ("Opportunity", "机会"),
    "A": ("Awareness", "认知"),
    "I": ("Interest", "兴趣"),
    "P": ("Purchase", "购买"),
    "L": ("Loyalty", "忠诚"),
}
FIRST, HORIZON = date(2024, 1, 1), date(2024, 2, 11)
BRANDS = {"lumen": ("Lumen", "CNY", HORIZON), "cedar": ("Cedar & Söhne", "EUR", HORIZON - 3 * DAY)}
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
    """Stretches of days of all persons in all presets and brands, drawn from a seed."""

    seed: int = 1
    persons: int = 60

    def stretches(self) -> list[Stretch]:
        """Rows (preset, brand, person, stage, from, to) without gap from each person's first day on."""
        return drawn(self)

    def stage_on(self, preset: str, brand: str, day: date) -> dict[str, str]:
        """Stage of each person who has one on a day."""
        return stages_on(self, preset, brand, day)

    def stock(self, preset: str, brand: str, day: date) -> dict[str, int]:
        """Persons by stage, zeros included."""
        found = list(self.stage_on(preset, brand, day).values())
        return {stage: found.count(stage) for stage in STAGES if stage != "O"}

    def flow(self, preset: str, brand: str, start: date, end: date) -> dict[tuple[str, str], int]:
        """Persons by stage before and after, nobody to nobody left out."""
        before, after = self.stage_on(preset, brand, start), self.stage_on(preset, brand, end)
        moves = [(before.get(person, "O"), after.get(person, "O")) for person in before.keys() | after.keys()]
        return {move: moves.count(move) for move in sorted(set(moves))}


@cache
def drawn(world: World) -> list[Stretch]:
    """Stretches of all persons of a world; neighbours differ."""
    draw, rows = random.Random(world.seed), []
    for preset, brand, number in product(PRESETS, BRANDS, range(world.persons)):
        person, day, stage = f"shop:m:{number}", FIRST + draw.randrange(-3, 30) * DAY, "O"
        while day < HORIZON + 20 * DAY or stage == "O":
            stage = draw.choice([other for other in STAGES if other != stage])
            end = day + draw.randrange(1, 15) * DAY
            rows.append((preset, brand, person, stage, day, end))
            day = end
        rows.append((preset, brand, person, "O", day, FOREVER))
    return rows


@cache
def stages_on(world: World, preset: str, brand: str, day: date) -> dict[str, str]:
    """Stage of each person who is above `O` on a day."""
    return {
        person: stage
        for p, b, person, stage, start, end in drawn(world)
        if (p, b) == (preset, brand) and start <= day < end and stage != "O"
    }


def periods(horizon: date) -> Iterator[tuple[str, date, date]]:
    """Complete weeks and months of the data."""
    monday = FIRST
    while monday + 6 * DAY <= horizon:
        yield "week", monday, monday + 6 * DAY
        monday += 7 * DAY
    yield "month", date(2024, 1, 1), date(2024, 1, 31)


def rows_of(world: World) -> dict[str, list[dict[str, Any]]]:
    """Every mart that a page reads."""
    rows: dict[str, list[dict[str, Any]]] = {
        "dim_brand": [
            {
                "brand_id": brand,
                "brand_name": name,
                "timezone": "Asia/Shanghai",
                "currency": currency,
                "first_day": FIRST,
                "horizon": horizon,
                "is_unbranded": False,
                "is_stale": False,
            }
            for brand, (name, currency, horizon) in BRANDS.items()
        ],
        "dim_aipl_stage": [
            {
                "preset": preset,
                "stage": stage,
                "stage_rank": rank,
                "name_en": NAMES[stage][0],
                "name_zh": NAMES[stage][1],
            }
            for preset in PRESETS
            for stage, rank in STAGES.items()
        ],
        "dim_aipl_rule": [
            {
                "preset": preset,
                "rule_id": "i_product_view",
                "stage": "I",
                "stage_rank": 2,
                "kind": "touch",
                "touch_kind": "product_view",
                "window_days": 15,
                "min_count": 1,
                "refund_policy": "as_known",
                "source": "stated",
                "confidence": "high",
            }
            for preset in PRESETS
        ],
        "dim_person": [
            {
                "person_id": f"shop:m:{number}",
                "identity_space": "shop",
                "key_kind": "member",
                "key_count": 2,
                "first_seen_on": FIRST,
                "last_seen_on": HORIZON,
            }
            for number in range(world.persons)
        ],
        "fct_person_days": [
            {
                "brand_id": "lumen",
                "person_id": SOMEBODY,
                "touch_kind": "product_view",
                "touch_date": day,
                "refunded_on": FOREVER,
            }
            for day in (HORIZON - 30 * DAY, HORIZON - 4 * DAY, HORIZON - 2 * DAY)
        ],
        "fct_person_states": [],
        "fct_aipl_stage_history": [
            {
                "preset": preset,
                "brand_id": brand,
                "person_id": person,
                "stage": stage,
                "stage_rank": STAGES[stage],
                "valid_from": start,
                "valid_to": end,
            }
            for preset, brand, person, stage, start, end in world.stretches()
        ],
        "fct_money_daily": [
            {
                "brand_id": "lumen",
                "currency": currency,
                "money_date": FIRST + number * DAY,
                "paid_orders": 2,
                "unknown_amount_orders": 1 if number == 4 else 0,
                "gross_paid_amount": 100 * number,
                "refunded_amount": number,
                "net_by_refund_day": 99 * number,
                "net_as_known": 99 * number,
            }
            for number in range(0, 42, 2)
            for currency in (("CNY", "USD") if number == 40 else ("CNY",))
        ]
        + [
            {
                "brand_id": "lumen",
                "currency": "CNY",
                "money_date": FIRST + 5 * DAY,
                "paid_orders": 1,
                "unknown_amount_orders": 1,
                "refunded_amount": 0,
            }
        ],
        "fct_consumer_gap": [
            {
                "preset": preset,
                "brand_id": "lumen",
                "period_start": date(2024, 2, 1),
                "period_end": date(2024, 2, 29),
                "method": method,
                "as_of_date": HORIZON,
                "status": "ok" if method == "series" else "interval_needs_more_backtests",
                "currency": "CNY",
                "target_gmv": 5000,
                "actual_so_far": 1200,
                "days_remaining": 18,
                "forecast_remaining_p10": 1000 if method == "series" else None,
                "forecast_remaining_p50": 1500,
                "forecast_remaining_p90": 2500 if method == "series" else None,
                "forecast_gmv": 2700,
                "gap": 2300,
                "extra_prospects": 77,
                "buyer_rate_lift": 0.05,
            }
            for preset in PRESETS
            for method in ("consumer_asset", "series")
        ],
    }
    daily, flows, fast, changes, tiers, deepening = [], [], [], [], [], []
    for preset in PRESETS:
        for brand, (_, _, horizon) in BRANDS.items():
            key = {"preset": preset, "brand_id": brand}
            day = FIRST - DAY
            while day <= horizon:
                daily += [
                    key | {"as_of_date": day, "stage": stage, "stage_rank": STAGES[stage], "persons": persons}
                    for stage, persons in world.stock(preset, brand, day).items()
                ]
                day += DAY
            for kind, start, end in periods(horizon):
                period = key | {"period_type": kind, "period_start": start, "period_end": end}
                moves = world.flow(preset, brand, start - DAY, end)
                flows += [
                    period | {"from_stage": a, "to_stage": b, "movement": movement(a, b), "persons": persons}
                    for (a, b), persons in moves.items()
                ]
                deepened = sum(persons for (a, b), persons in moves.items() if movement(a, b) == "deepened")
                begun = world.stock(preset, brand, start - DAY)
                members = 10 + start.day
                fast.append(
                    period
                    | {
                        "fertility_union": 60,
                        "fertility_end": sum(world.stock(preset, brand, end).values()),
                        "start_stock": sum(begun.values()),
                        "start_stock_eligible": sum(begun.values()) - begun["L"],
                        "deepened": deepened,
                        "advancing_rate": deepened / sum(begun.values()) if sum(begun.values()) else None,
                        "advancing_rate_eligible": None,
                        "superiority_members": members,
                        "members": members,
                        "thriving_members": 7,
                        "thriving_rate": 7 / members,
                        "thriving_superior_members": 7,
                        "thriving_rate_superior": 7 / members,
                    }
                )
                changes.append(
                    period
                    | {
                        "metric": "thriving_rate",
                        "numerator": 7,
                        "denominator": members,
                        "value": 7 / members,
                        "previous_value": 0.5,
                        "change_on_previous": 7 / members / 0.5 - 1,
                    }
                )
                tiers.append(
                    period
                    | {"tier": 1, "members": members, "thriving_members": 7, "thriving_rate": 7 / members}
                )
                if deepened:
                    deepening.append(
                        period
                        | {
                            "attribution_rule": "first_touch",
                            "channel": "=ads" if brand == "lumen" else "none seen",
                            "campaign_id": "spring",
                            "persons": deepened,
                        }
                    )
    return rows | {
        "fct_aipl_daily": daily,
        "fct_aipl_flow": flows,
        "fct_fast": fast,
        "fct_fast_changes": changes,
        "fct_fast_tiers": tiers,
        "fct_aipl_deepening": deepening,
    }


def gate_result(*, warned: int = 0, failed: int = 0, at: datetime | None = None) -> GateResult:
    """A run of the mart gate with so many findings among ten checks."""
    at = at or datetime(2024, 2, 12, 3, tzinfo=UTC)
    results = [
        ExpectationResult(
            table="fct_fast" if number % 2 else "fct_aipl_daily",
            name=f"rule_{number}",
            description=f"rule {number} holds",
            column=None,
            severity="critical" if number < 5 else "warning",
            owner="consumer-analytics",
            status="failed" if number < failed or number >= 10 - warned else "passed",
            observed="observed <b>more</b>" if number < failed or number >= 10 - warned else None,
        )
        for number in range(10)
    ]
    return GateResult("marts", "marts", at, at + timedelta(seconds=2), tuple(results))


def published(
    home: Path, world: World | None = None, *, gate: GateResult | None = None
) -> tuple[Settings, Release]:
    """Build and publish the world in a home, over what was there before."""
    world, gate = world or World(), gate or gate_result()
    settings = _settings_of(home)
    build_id = f"{world.seed}" * 64
    settings.warehouse.unlink(missing_ok=True)
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema marts")
        for mart, rows in rows_of(world).items():
            declared = ", ".join(f"{column.name} {column.data_type}" for column in contracts[mart].columns)
            connection.execute(f"create table marts.{mart} ({declared})")
            if rows:
                told = pd.DataFrame(rows, dtype=object)
                connection.register("told", told)
                connection.execute(f"insert into marts.{mart} by name from told")
                connection.unregister("told")
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


def _settings_of(home: Path) -> Settings:
    if (home / "project").exists():
        return HomeSettings(home, home / "sources.yml")
    return make_home(home)
