"""The table macros of a release: against brute force, and for everyone who opens the file."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest
from oracle.evidence import Evidence, Membership, PaidOrder, Touch
from oracle.ledger import Published
from oracle.rules import Preset, Rule
from oracle.stages import DAY, FOREVER, days_between, flow, lives, movement, stage_history, stage_on, walk
from released import released
from unit.aipl_marts import Rows, add_marts, marts_of
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
        day = START + dice.randrange(55) * DAY
        after = day + dice.randrange(25) * DAY
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
    known: dict[tuple[str, str, str, date], tuple[int | None, date]] = {}
    for order in EVIDENCE.orders:
        key = (order.brand, order.person, "paid_order", order.paid_day)
        known[key] = (None, max(known.get(key, (None, date.min))[1], order.refunded_day or FOREVER))
    for touch in EVIDENCE.touches:
        key = (touch.brand, touch.person, touch.kind, touch.day)
        known[key] = (max(known.get(key, (0,))[0] or 0, touch.rating or 0) or None, FOREVER)
    states = [(m.brand, m.person, m.kind, m.joined, m.left or FOREVER) for m in EVIDENCE.memberships]
    told = Published("r0", PRESETS, dict.fromkeys(BRANDS, LAST), {}, known, states)
    return {
        **marts_of(told, START),
        "fct_aipl_daily": [],
        "fct_aipl_stage_history": [
            (name, brand, person, stage, RANKS[stage], since, until)
            for name, preset in PRESETS.items()
            for brand, person, stage, since, until in stage_history(walk(EVIDENCE, preset))
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


def expected_reasons(person: str, day: date) -> Counter[tuple[Any, ...]]:
    rows: Counter[tuple[Any, ...]] = Counter()
    for (brand, who), own in EVIDENCE.of_each_person().items():
        for name, preset in PRESETS.items() if who == person else []:
            stage = stage_on(own, day, preset)
            for number, rule in enumerate(RULES):
                # Since when each piece of evidence counts, and until when.
                spans = [(m.joined, m.left or FOREVER) for m in own.memberships if m.kind == rule.touch_kind]
                if not rule.is_state:
                    spans = [*lives(own, rule, name).items()]
                alive = [(start, end) for start, end in spans if start <= day < end]
                if not alive:
                    continue
                is_on = len(alive) >= rule.min_count
                # With the end of this one there are too few.
                expires = sorted(end for _, end in alive)[-rule.min_count] if is_on else None
                rows[
                    name, brand, stage, str(number), rule.stage, rule.touch_kind, len(alive), rule.min_count,
                    is_on, is_on and rule.stage == stage,
                    min(start for start, _ in alive), max(start for start, _ in alive), expires,
                ] += 1  # fmt: skip
    return rows


def test_the_reasons_are_those_of_brute_force(release: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    decided = 0
    for person in PEOPLE:
        for day in [*days_between(START, LAST)][::3]:
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


def test_macros_answer_the_query_command_and_whoever_attaches_the_file(settings: Settings) -> None:
    sql = "select sum(persons) as persons from aipl_flow_between('2024-01-10', '2024-01-20')"
    ((persons,),) = run_query(settings, sql).rows
    assert persons > 20
    database = settings.published / "current" / "marts.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as release (read_only); use release")
        assert connection.execute(sql).fetchall() == [(persons,)]


def test_macros_say_what_a_row_is(release: duckdb.DuckDBPyConnection) -> None:
    heads = dict(
        release.execute(
            "select function_name, comment from duckdb_functions() where function_name like 'aipl_%'"
        ).fetchall()
    )
    assert sorted(heads) == ["aipl_explain", "aipl_flow_between", "aipl_restated"]
    assert all(head.startswith("One row per ") and "--" not in head for head in heads.values())
