"""The table macros of a release: against brute force, and for everyone who opens the file."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle.evidence import Evidence, Membership, PaidOrder, Touch
from oracle.rules import Preset, Rule
from oracle.stages import DAY, FOREVER, flow, lives, movement, stage_history, stage_on, walk
from released import released
from unit.aipl_marts import Rows, add_marts, days, rule_rows, stage_rows
from unit.publish_home import let_through, make_home

from orchestration.core.settings import Settings
from orchestration.publish.query import run_query
from orchestration.publish.release import publish

START, LAST = date(2024, 1, 1), date(2024, 2, 20)
BRANDS, PEOPLE = ("aurora", "lumen"), tuple(f"shop:m:{number}" for number in range(12))
RANKS = {"O": 0, "A": 1, "I": 2, "P": 3, "L": 4}
RULES = (
    Rule("A", "touch", "page_view", 5),
    Rule("I", "touch", "page_view", 5, min_count=2),
    Rule("I", "state", "member"),
    Rule("P", "touch", "paid_order", 20),
    Rule("L", "touch", "paid_order", 15, min_count=2),
    Rule("L", "touch", "review", 8, min_rating=4),
)
PRESETS = {policy: Preset(RANKS, RULES, policy) for policy in ("as_known", "gross", "net_hindsight")}


def make_evidence(seed: int) -> Evidence:
    dice = random.Random(seed)
    facts: list[Touch | PaidOrder | Membership] = []
    for _ in range(260):
        brand, person = dice.choice(BRANDS), dice.choice(PEOPLE)
        day = START + timedelta(days=dice.randrange(55))
        after = day + timedelta(days=dice.randrange(25))
        kind = dice.choice(("page_view", "page_view", "review", "order", "order", "member"))
        if kind == "page_view":
            facts.append(Touch(brand, person, kind, day))
        elif kind == "review":
            facts.append(Touch(brand, person, kind, day, dice.randint(1, 5)))
        elif kind == "order":
            facts.append(PaidOrder(brand, person, day, after if dice.random() < 0.4 else None))
        elif dice.random() < 0.3:
            facts.append(Membership(brand, person, day, after + DAY if dice.random() < 0.7 else None))
    return Evidence.of(*facts)


EVIDENCE = make_evidence(7)


def marts() -> dict[str, Rows]:
    """What the engine makes of the evidence, by the oracle."""
    refunds: dict[tuple[str, str, date], date] = {}
    for order in EVIDENCE.orders:
        key = (order.brand, order.person, order.paid_day)
        refunds[key] = max(refunds.get(key, date.min), order.refunded_day or FOREVER)
    ratings: dict[tuple[str, str, str, date], list[int]] = {}
    for touch in EVIDENCE.touches:
        ratings.setdefault((touch.brand, touch.person, touch.kind, touch.day), []).append(touch.rating or 0)
    return {
        "dim_aipl_rule": rule_rows(PRESETS),
        "dim_aipl_stage": stage_rows(PRESETS),
        "dim_brand": [(brand, START, LAST) for brand in BRANDS],
        "dim_person_key": [],
        "fct_aipl_daily": [],
        "fct_aipl_stage_history": [
            (name, brand, person, stage, RANKS[stage], since, until)
            for name, preset in PRESETS.items()
            for brand, person, stage, since, until in stage_history(walk(EVIDENCE, preset))
        ],
        "fct_person_days": [
            *((*key, max(best) or None, FOREVER) for key, best in ratings.items()),
            *((brand, person, "paid_order", day, None, end) for (brand, person, day), end in refunds.items()),
        ],
        "fct_person_states": [
            ("shop", str(number), m.brand, m.person, m.kind, 0, m.joined, m.left or FOREVER)
            for number, m in enumerate(EVIDENCE.memberships)
        ],
    }


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = make_home(tmp_path_factory.mktemp("home"))
    add_marts(settings, marts())
    let_through(settings, "1" * 64)
    publish(settings)
    return settings


@pytest.fixture
def release(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    database = settings.published / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def alive_ends(own: Evidence, rule: Rule, policy: str, day: date) -> list[tuple[date, date]]:
    """Evidence of one rule that counts on the day: since when, and until when."""
    if rule.is_state:
        return [
            (m.joined, m.left or FOREVER) for m in own.memberships if m.kind == rule.touch_kind and m.on(day)
        ]
    return [(start, end) for start, end in lives(own, rule, policy).items() if start <= day < end]


def expected_reasons(person: str, day: date) -> Counter[tuple[Any, ...]]:
    rows: Counter[tuple[Any, ...]] = Counter()
    for (brand, who), own in EVIDENCE.of_each_person().items():
        for name, preset in PRESETS.items() if who == person else []:
            stage = stage_on(own, day, preset)
            for number, rule in enumerate(RULES):
                alive = alive_ends(own, rule, name, day)
                if not alive:
                    continue
                is_on = len(alive) >= rule.min_count
                expires = None
                if is_on and sum(end == FOREVER for _, end in alive) >= rule.min_count:
                    expires = FOREVER
                elif is_on:
                    expires = day
                    while sum(expires < end for _, end in alive) >= rule.min_count:
                        expires += DAY
                rows[
                    name, brand, stage, str(number), rule.stage, rule.touch_kind, len(alive), rule.min_count,
                    is_on, is_on and rule.stage == stage,
                    min(start for start, _ in alive), max(start for start, _ in alive), expires,
                ] += 1  # fmt: skip
    return rows


def test_the_reasons_are_those_of_brute_force(release: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    decided = 0
    for person in PEOPLE:
        for day in days(START, LAST)[::3]:
            rows = release.execute(
                "from aipl_explain($person, $day)", {"person": released(settings.home, person), "day": day}
            ).fetchall()
            assert Counter(rows) == expected_reasons(person, day), (person, day)
            decided += sum(row[9] for row in rows)
    assert decided > 500


def test_flow_between_any_two_days(release: duckdb.DuckDBPyConnection) -> None:
    walks = {name: walk(EVIDENCE, preset) for name, preset in PRESETS.items()}
    for start, end in [
        (START - DAY, LAST),
        (START, START),
        (date(2024, 1, 20), date(2024, 2, 3)),
        (LAST, START),
    ]:
        rows = release.execute(
            "from aipl_flow_between($start, $end)", {"start": start, "end": end}
        ).fetchall()
        expected = {
            (name, brand, before, after, movement(RANKS[before], RANKS[after]), persons)
            for name in PRESETS
            for (brand, before, after), persons in flow(walks[name], start, end).items()
        }
        assert set(rows) == expected
        assert len(rows) == len(expected)
    for days_without_stock in ("'2023-12-30', '2024-01-10'", "'2024-01-10', '2024-02-21'"):
        assert release.execute(f"from aipl_flow_between({days_without_stock})").fetchall() == []


def test_macros_answer_the_query_command_and_other_processes(settings: Settings) -> None:
    sql = "select sum(persons) as persons from aipl_flow_between('2024-01-10', '2024-01-20')"
    (persons,) = run_query(settings, sql).rows[0]
    assert persons > 20
    database = settings.published / "current" / "marts.duckdb"
    code = (
        "import duckdb, sys\n"
        "with duckdb.connect(sys.argv[1], read_only=True) as connection:\n"
        "    connection.execute('set enable_external_access = false')\n"
        "    print(connection.execute(sys.argv[2]).fetchone()[0])\n"
        "with duckdb.connect() as connection:\n"
        "    connection.execute(f\"attach '{sys.argv[1]}' as release (read_only); use release\")\n"
        "    print(connection.execute(sys.argv[2]).fetchone()[0])\n"
    )
    command = [sys.executable, "-c", code, str(database), sql]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(persons)] * 2


def test_macros_say_what_a_row_is(release: duckdb.DuckDBPyConnection) -> None:
    heads = dict(
        release.execute(
            "select function_name, comment from duckdb_functions() where function_name like 'aipl_%'"
        ).fetchall()
    )
    assert sorted(heads) == ["aipl_explain", "aipl_flow_between", "aipl_restated"]
    assert all(head.startswith("One row per ") and "--" not in head for head in heads.values())


def test_a_release_without_the_marts_has_no_macros(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings)
    found = run_query(settings, "select * from duckdb_functions() where function_name like 'aipl_%'")
    assert found.rows == []
