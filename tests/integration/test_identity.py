"""Linking and un-linking: who has which days, and that nobody else is built again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from warehouse import Warehouse
from worlds.delivery import by_file, write, write_sources
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
ALONE = {"v:tablet": "v:tablet", "m:ann": "m:ann", "m:bea": "m:bea", "v:phone": "v:phone"}
# Keys of each person, and whose stages each build made anew.
EXPECTED: list[tuple[dict[str, str], set[str] | None]] = [
    (ALONE, None),
    (ALONE | {"v:tablet": "m:ann", "m:zoe": "m:zoe"}, {"v:tablet", "m:ann", "m:zoe"}),
    (ALONE | {"m:zoe": "m:zoe"}, {"v:tablet", "m:ann"}),
    (ALONE | {"m:bea": "m:ann", "m:zoe": "m:zoe"}, {"m:ann", "m:bea"}),
]


def test_links_move_days_and_nobody_else_is_built_again(tmp_path: Path) -> None:
    sources = write_sources(PROJECT_ROOT / "sources.yml", tmp_path / "sources.yml")
    warehouse = Warehouse(tmp_path / "home", sources)

    def short(sql: str) -> list[tuple[str, ...]]:
        """An answer without the identity space."""
        return [tuple(key.removeprefix("sample_shop:") for key in row) for row in warehouse.query(sql)]

    for rows, (owners, rebuilt) in zip(DELIVERIES, EXPECTED, strict=True):
        write(by_file(rows), tmp_path / "dumps")
        warehouse.load("sample_shop", tmp_path / "dumps")
        assert warehouse.build(only=MARTS) is (rebuilt is None), "only the first one is full"
        assert dict(short("select source_key, person_id from marts.dim_person_key")) == owners
        persons = short("select distinct person_id from marts.fct_aipl_stage_history")
        assert {person for (person,) in persons} == set(owners.values())
        if rebuilt is not None:
            changed = short("select distinct person_id from changes.int_stage_history__scope")
            assert {person for (person,) in changed} == rebuilt

    shown = "select keys, key_count, first_seen_on, last_seen_on from marts.dim_person"
    assert warehouse.query(f"{shown} where person_id = 'sample_shop:m:ann'") == [
        ("sample_shop:m:ann since 2024-09-01, sample_shop:m:bea since 2024-09-01", 2, FIRST, FIRST)
    ]
    # Rows without a key are counted.
    counts = "unattributed_events, unattributed_reviews, unattributed_memberships"
    assert warehouse.query(f"select {counts} from marts.dim_brand where brand_id = 'b'") == [(3, 1, 2)]
