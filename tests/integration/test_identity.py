"""Linking and un-linking: who has which days, and that nobody else is built again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from warehouse import Warehouse
from worlds.delivery import write, write_sources
from worlds.tables import LOADS, Row, row

from orchestration.core.settings import PROJECT_ROOT

FIRST, SECOND = date(2024, 9, 1), date(2024, 9, 2)


def view(load: date, number: int, day: date, visitor: str = "", member: str = "") -> Row:
    return row(
        "events",
        load,
        event_id=f"e{load}-{number}",
        event_time=f"{day} 10:00:00",
        brand="b",
        visitor_id=visitor,
        member_id=member,
        event="product_view",
    )


def link(load: date, **given: str) -> Row:
    known = {"link_id": "l", "member_id": "ann", "valid_from": f"{SECOND} 09:00:00", "withdrawn": "false"}
    return row("identity_links", load, recorded_at=f"{load} 00:30:00", **(known | given))


def follow(membership: str) -> Row:
    times = {"updated_at": f"{FIRST} 11:00:00", "joined_at": f"{FIRST} 11:00:00"}
    return row("memberships", LOADS[0], membership_id=membership, brand="b", state="follower", **times)


MARTS = ["dim_brand", "dim_person", "dim_person_key", "fct_aipl_stage_history"]
# What each load brings: first nobody is linked, then the tablet is ann's, then it is not, then ann is bea.
DELIVERIES = [
    [
        view(LOADS[0], 1, FIRST, visitor="tablet"),
        view(LOADS[0], 2, FIRST, member="ann"),
        view(LOADS[0], 3, FIRST, member="bea"),
        view(LOADS[0], 4, FIRST, visitor="phone"),
        view(LOADS[0], 5, FIRST),
        *(follow(f"nobody {number}") for number in (1, 2)),
        row("reviews", LOADS[0], review_id="r", brand="b", reviewed_at=f"{FIRST} 11:00:00", rating="5"),
    ],
    [view(LOADS[1], 1, SECOND, member="zoe"), link(LOADS[1], visitor_id="tablet")],
    [view(LOADS[2], 1, LOADS[2] - timedelta(days=1)), link(LOADS[2], visitor_id="tablet", withdrawn="true")],
    [view(LOADS[3], 1, LOADS[3] - timedelta(days=1)), link(LOADS[3], link_id="m", other_member_id="bea")],
]
# Keys of each person, and whose stages each build made anew.
EXPECTED = [
    ({"v:tablet": "v:tablet", "m:ann": "m:ann", "m:bea": "m:bea", "v:phone": "v:phone"}, None),
    (
        {"v:tablet": "m:ann", "m:ann": "m:ann", "m:bea": "m:bea", "v:phone": "v:phone", "m:zoe": "m:zoe"},
        {"v:tablet", "m:ann", "m:zoe"},
    ),
    (
        {"v:tablet": "v:tablet", "m:ann": "m:ann", "m:bea": "m:bea", "v:phone": "v:phone", "m:zoe": "m:zoe"},
        {"v:tablet", "m:ann"},
    ),
    (
        {"v:tablet": "v:tablet", "m:ann": "m:ann", "m:bea": "m:ann", "v:phone": "v:phone", "m:zoe": "m:zoe"},
        {"m:ann", "m:bea"},
    ),
]


def short(key: str) -> str:
    return key.removeprefix("sample_shop:")


@dataclass(frozen=True)
class Seen:
    """What stands after a build: owner of each key, persons of the history, and who was built anew."""

    was_full: bool
    owners: dict[str, str]
    persons: set[str]
    rebuilt: set[str] | None


def look(warehouse: Warehouse, was_full: bool) -> Seen:
    """What stands now."""
    keys = warehouse.query("select source_key, person_id from marts.dim_person_key")
    persons = warehouse.query("select distinct person_id from marts.fct_aipl_stage_history")
    rebuilt = None
    if not was_full:
        changed = warehouse.query("select distinct person_id from changes.int_stage_history__scope")
        rebuilt = {short(person) for (person,) in changed}
    owners = {short(key): short(person) for key, person in keys}
    return Seen(was_full, owners, {short(person) for (person,) in persons}, rebuilt)


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, list[Seen]]:
    """A warehouse after all deliveries, and what stood after each."""
    folder = tmp_path_factory.mktemp("identity")
    sources = write_sources(PROJECT_ROOT / "sources.yml", folder / "sources.yml")
    warehouse = Warehouse(folder / "home", sources)
    seen = []
    for rows in DELIVERIES:
        files: dict[str, list[Row]] = {}
        for one in rows:
            files.setdefault(one.file, []).append(one)
        write(files, folder / "dumps")
        warehouse.load("sample_shop", folder / "dumps")
        seen.append(look(warehouse, warehouse.build(only=MARTS)))
    return warehouse, seen


def test_links_move_days_and_nobody_else_is_built_again(builds: tuple[Warehouse, list[Seen]]) -> None:
    _, seen = builds
    assert [one.was_full for one in seen] == [True, False, False, False]
    assert [(one.owners, one.rebuilt) for one in seen] == EXPECTED
    assert all(one.persons == set(one.owners.values()) for one in seen)


def test_a_person_shows_the_keys_and_since_when(builds: tuple[Warehouse, list[Seen]]) -> None:
    warehouse, _ = builds
    shown = "select keys, key_count, first_seen_on, last_seen_on from marts.dim_person"
    assert warehouse.query(f"{shown} where person_id = 'sample_shop:m:ann'") == [
        ("sample_shop:m:ann since 2024-09-01, sample_shop:m:bea since 2024-09-01", 2, FIRST, FIRST)
    ]


def test_rows_without_a_key_are_counted(builds: tuple[Warehouse, list[Seen]]) -> None:
    warehouse, _ = builds
    counts = "unattributed_events, unattributed_reviews, unattributed_memberships"
    assert warehouse.query(f"select {counts} from marts.dim_brand where brand_id = 'b'") == [(3, 1, 2)]
