"""The ledger: what was published and is told differently now, held against brute force in plain Python."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.ledger import Entry, Published, new_entries
from oracle.rules import Preset, Rule
from oracle.stages import DAY, FOREVER
from unit.aipl_marts import Chain, marts_of

START = date(2024, 1, 1)
BRANDS, PEOPLE, STAGES = ("aurora", "lumen"), ("m1", "m2", "v1"), ("O", "A", "I")
RULES = (
    Rule("A", "touch", "page_view", 3),
    Rule("I", "touch", "paid_order", 4),
    Rule("I", "touch", "review", 4, min_rating=4),
    Rule("I", "state", "member"),
)
RANKS = {"O": 0, "A": 1, "I": 2}
KNOWN = {
    "known": Preset(RANKS, RULES),
    "hindsight": Preset(RANKS, RULES, "net_hindsight"),
    "gross": Preset(RANKS, RULES, "gross"),
}
CHANGED = Preset(RANKS, (*RULES, Rule("A", "touch", "share", 3)))

some_day = st.integers(0, 7).map(lambda offset: START + offset * DAY)
persons = st.tuples(st.sampled_from(tuple(KNOWN)), st.sampled_from(BRANDS), st.sampled_from(PEOPLE))
person_day = st.tuples(
    st.sampled_from(BRANDS),
    st.sampled_from(PEOPLE),
    st.sampled_from(("page_view", "paid_order", "review", "claim")),
    some_day,
)
known_day = st.tuples(st.sampled_from((None, 3, 5)), st.one_of(st.just(FOREVER), some_day))
joined = st.tuples(
    st.sampled_from(BRANDS),
    st.sampled_from(PEOPLE),
    st.just("member"),
    some_day,
    st.one_of(st.just(FOREVER), some_day.map(lambda day: day + 8 * DAY)),
)
owned = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(("k1", "k2")), some_day)


@st.composite
def chains(draw: st.DrawFn) -> list[Published]:
    """Releases of which each differs a little from the one before it; horizons mostly advance."""
    stages: dict[tuple[str, str, str], dict[date, str]] = {}
    days: dict[tuple[str, str, str, date], tuple[int | None, date]] = {}
    states: set[tuple[str, str, str, date, date]] = set()
    keys: set[tuple[str, str, date]] = set()
    releases = []
    for number in range(draw(st.integers(2, 4))):
        for person, day, stage in draw(
            st.lists(st.tuples(persons, some_day, st.sampled_from(STAGES)), max_size=12)
        ):
            stages.setdefault(person, {})[day] = stage
        days |= draw(st.dictionaries(person_day, known_day, max_size=5))
        for gone in draw(st.lists(st.sampled_from(sorted(days)), max_size=2)) if days else []:
            days.pop(gone, None)
        states ^= draw(st.sets(joined, max_size=2))
        keys ^= draw(st.sets(owned, max_size=2))
        left_out = draw(st.sets(st.sampled_from(("hindsight", "gross")), max_size=1)) if number else set()
        presets = {name: preset for name, preset in KNOWN.items() if name not in left_out}
        if draw(st.integers(0, 5)) == 5:
            presets["known"] = CHANGED
        horizons: dict[str, date | None] = {
            brand: draw(st.one_of(st.none(), some_day, some_day, some_day))
            for brand in draw(st.sets(st.sampled_from(BRANDS), min_size=1))
        }
        told = {
            key: {day: stage for day, stage in known.items() if stage != "O"}
            for key, known in stages.items()
            if key[0] in presets and key[1] in horizons
        }
        told = {key: known for key, known in told.items() if known}
        releases.append(
            Published(f"r{number}", presets, horizons, told, dict(days), sorted(states), frozenset(keys))
        )
    return releases


@pytest.mark.slow
@settings(max_examples=40)
@given(chains())
def test_the_ledger_leads_from_now_back_to_every_release(releases: list[Published]) -> None:
    expected: list[tuple[str, Entry, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        chain = Chain(Path(folder))
        kept: set[Any] = set()
        for number, release in enumerate(releases):
            chain.publish(release.name, marts_of(release, START))
            if number:
                found = new_entries(releases[:number], release)
                expected += [(release.name, entry, reason) for entry, reason in found]
            told = {(one.name, *told) for one in releases[: number + 1] for told in one.horizons.items()}
            assert set(chain.query("select release_id, brand_id, horizon from dim_release")) == told
            rows = chain.query("from fct_aipl_ledger")
            assert kept <= set(rows), "an entry was altered"
            assert sorted((row[0], row[1:8], row[8]) for row in rows) == sorted(expected)
            kept = set(rows)
        check_law(releases, kept)
        check_restated(chain, releases, kept)


def check_law(releases: list[Published], ledger: set[Any]) -> None:
    """Stock as published less stock as known now is what later releases say of the day."""
    now = releases[-1]
    for number, old in enumerate(releases):
        later = releases[number + 1 :]
        for preset in old.presets:
            if any(preset not in release.presets for release in later):
                continue
            for brand in BRANDS:
                for day in all_days(old.horizons.get(brand)):
                    for stage in ("A", "I"):
                        told = [row for row in ledger if covers(row, later, preset, brand, day)]
                        difference = sum((row[6] == stage) - (row[7] == stage) for row in told)
                        published = old.stock(preset, brand, day, stage)
                        assert published - now.stock(preset, brand, day, stage) == difference


def check_restated(chain: Chain, releases: list[Published], ledger: set[Any]) -> None:
    """The macro tells the same of any day."""
    with duckdb.connect(str(chain.current), read_only=True) as connection:
        for day in {day for release in releases for day in release.horizons.values() if day}:
            found = connection.execute("from aipl_restated($day)", {"day": day}).fetchall()
            assert set(found) == restated(releases, ledger, day)


def restated(releases: list[Published], ledger: set[Any], day: date) -> set[tuple[Any, ...]]:
    """What was published of a day, by its first release since the preset was left out, and what is known."""
    expected: set[tuple[Any, ...]] = set()
    for preset in releases[-1].presets:
        gaps = [number for number, release in enumerate(releases) if preset not in release.presets]
        unbroken = releases[max(gaps, default=-1) + 1 :]
        for brand in BRANDS:
            covering = [r for r in unbroken if (horizon := r.horizons.get(brand)) and horizon >= day]
            if not covering:
                continue
            first = covering[0]
            later = releases[releases.index(first) + 1 :]
            for stage in ("A", "I"):
                told = [row for row in ledger if covers(row, later, preset, brand, day)]
                by_reason = [
                    sum((row[6] == stage) - (row[7] == stage) for row in told if row[8] == reason)
                    for reason in ("late", "refund", "identity", "rules", "correction")
                ]
                published = first.stock(preset, brand, day, stage)
                known = releases[-1].stock(preset, brand, day, stage)
                expected.add((preset, brand, stage, published, first.name, known, *by_reason))
    return expected


def covers(row: Any, releases: list[Published], preset: str, brand: str, day: date) -> bool:
    of_later = row[0] in {release.name for release in releases}
    return of_later and row[1:3] == (preset, brand) and row[4] <= day < row[5]


def all_days(last: date | None) -> list[date]:
    return [START + offset * DAY for offset in range((last - START).days + 1)] if last else []


P1 = ("known", "lumen", "m1")
LAST = START + 5 * DAY
VIEW = ("lumen", "m1", "page_view", START)
PAID = ("lumen", "m1", "paid_order", START)
REVIEW = ("lumen", "m1", "review", START)
BEFORE = Published(
    "r0",
    {"known": KNOWN["known"]},
    {"lumen": LAST},
    {P1: {START: "A"}},
    {VIEW: (None, FOREVER), PAID: (None, FOREVER), REVIEW: (3, FOREVER)},
    [("lumen", "m1", "member", START, FOREVER)],
    frozenset({("m1", "m1", START), ("v1", "v1", START)}),
)
AFTER = replace(BEFORE, name="r1", stages={P1: {START: "I", LAST + DAY: "A"}})
LATE = {("lumen", "m1", "paid_order", LAST): (None, FOREVER)}
BEYOND = LAST + DAY


def published(folder: Path, *releases: Published) -> Chain:
    chain = Chain(folder)
    for release in releases:
        chain.publish(release.name, marts_of(release, START))
    return chain


def refunded(day: date) -> dict[Any, Any]:
    """What is known of the days when the purchase was refunded on that day."""
    return BEFORE.person_days | {PAID: (None, day)}


@pytest.mark.parametrize(
    ("policy", "changed", "reason"),
    [
        ("known", {}, "late"),
        ("known", {"person_days": BEFORE.person_days | LATE}, "late"),
        # Ends, refunds and owners that only concern days that were not published yet.
        ("known", {"states": [("lumen", "m1", "member", START, BEYOND)]}, "late"),
        ("known", {"person_days": refunded(BEYOND)}, "late"),
        ("known", {"keys": BEFORE.keys | {("m1", "v1", BEYOND)}}, "late"),
        ("known", {"keys": BEFORE.keys | {("m1", "v2", START)}}, "late"),
        # The key was the person's own all the time, and is only seen earlier.
        ("known", {"keys": frozenset({("m1", "m1", START - DAY)})}, "late"),
        ("known", {"states": [("lumen", "m1", "member", START, LAST)]}, "correction"),
        ("known", {"states": []}, "correction"),
        ("known", {"person_days": BEFORE.person_days | {REVIEW: (5, FOREVER)}}, "correction"),
        ("known", {"person_days": {VIEW: (None, FOREVER), PAID: (None, FOREVER)}}, "correction"),
        ("known", {"person_days": {VIEW: (None, FOREVER), PAID: (None, START)}}, "refund"),
        ("known", {"person_days": refunded(START)}, "refund"),
        # A refund after the last published day takes the purchase out of all days before it.
        ("hindsight", {"person_days": refunded(BEYOND)}, "refund"),
        ("gross", {"person_days": refunded(START)}, "late"),
        (
            "known",
            {"person_days": {}, "keys": frozenset({("m1", "m1", START), ("m1", "v1", START)})},
            "identity",
        ),
        ("known", {"keys": frozenset(), "presets": {"known": CHANGED}}, "rules"),
    ],
)
def test_each_reason(tmp_path: Path, policy: str, changed: dict[str, Any], reason: str) -> None:
    before = replace(BEFORE, presets={"known": KNOWN[policy]})
    after = replace(before, name="r1", stages=AFTER.stages, **changed)
    assert published(tmp_path, before, after).query("from fct_aipl_ledger") == [
        ("r1", *P1, START, START + DAY, "A", "I", reason)
    ]


THIRD = START + 2 * DAY
SHORTER = replace(BEFORE, name="r1", horizons={"lumen": START})
GONE = replace(BEFORE, name="r1", horizons={"aurora": LAST}, stages={}, person_days={}, states=[])


@pytest.mark.parametrize(
    ("between", "last", "entries"),
    [
        # A horizon that goes back takes no published day back.
        (
            SHORTER,
            replace(SHORTER, name="r2", stages={P1: {START: "A", THIRD: "I"}}),
            [("r2", THIRD, "O", "I", "late")],
        ),
        # A brand that is gone has nobody in any stage.
        (
            GONE,
            replace(BEFORE, name="r2"),
            [("r1", START, "A", "O", "correction"), ("r2", START, "O", "A", "late")],
        ),
    ],
    ids=["horizon", "brand"],
)
def test_what_was_published_before_the_previous_release_counts(
    tmp_path: Path, between: Published, last: Published, entries: list[tuple[object, ...]]
) -> None:
    told = "select release_id, valid_from, stage_before, stage_after, reason from fct_aipl_ledger"
    assert published(tmp_path, BEFORE, between, last).query(told) == entries


def test_a_stage_may_be_called_as_others_call_nobody(tmp_path: Path) -> None:
    own = Preset({"none": 0, "O": 1, "I": 2}, RULES[1:])
    before = replace(BEFORE, presets={"known": own}, stages={P1: {START: "O"}})
    after = replace(before, name="r1", stages={P1: {START: "I"}, ("known", "lumen", "v1"): {START: "O"}})
    chain = published(tmp_path, before, after)
    moved = "select person_id, stage_before, stage_after from fct_aipl_ledger order by all"
    assert chain.query(moved) == [("m1", "O", "I"), ("v1", "none", "O")]
    restated = f"select stage, published, known_now, late from aipl_restated('{START}')"
    assert chain.query(restated) == [("O", 1, 1, 0), ("I", 0, 1, -1)]


def test_marts_that_a_newer_program_adds_restate_nothing(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.publish("r0", marts_of(BEFORE, START))
    period = ("aurora", f"day:{START}", "day", START, START, 1, None, False)
    comparison = chain.publish("r1", {**marts_of(BEFORE, START), "dim_period": [period]})
    assert comparison.was_made
    assert chain.query("from fct_aipl_ledger") == []
