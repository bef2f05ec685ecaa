"""The oracle of identity, held against the cases of the definitions worked out by hand."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from oracle import sample_shop
from oracle.evidence import Evidence, Membership, PaidOrder, SeenEvent, Touch
from oracle.identity import Identity, Link, Sighting, Visit, bots, united
from oracle.rules import CONSUMER_ASSET
from oracle.stages import Met, deepening, stage_changes, walk
from worlds.tables import COLUMNS

START = datetime(2024, 9, 1)
PHONE = "v:phone"


def at(hour: float) -> datetime:
    """That many hours after the start."""
    return START + timedelta(hours=hour)


def seen(*pairs: tuple[str, float]) -> list[Sighting]:
    """Members seen on the phone, each at its hour."""
    return [Sighting(PHONE, member, at(hour)) for member, hour in pairs]


def link(member: str, since: float, until: float | None = None) -> Link:
    return Link(PHONE, member, at(since), None if until is None else at(until))


def owners(identity: Identity, *hours: float) -> list[str | None]:
    """Who the phone's rows belong to at these hours."""
    return [identity.person(PHONE, None, at(hour)) for hour in hours]


def test_a_row_that_names_a_member_is_the_members() -> None:
    identity = Identity(sightings=seen(("m:a", 1)))
    assert identity.person(PHONE, "m:b", at(2)) == "m:b"
    assert identity.person(None, "m:b", at(2)) == "m:b"
    assert identity.person(None, None, at(2)) is None
    assert identity.person("v:other", None, at(2)) == "v:other"


def test_rows_before_the_first_sign_in_are_the_first_members() -> None:
    assert owners(Identity(sightings=seen(("m:b", 5), ("m:a", 9))), 0, 4.9, 5, 8.9, 9) == [
        *("m:b", "m:b", "m:b", "m:b", "m:a")
    ]
    assert owners(Identity(links=[link("m:b", 5), link("m:a", 5)]), 0) == ["m:a"]


def test_a_shared_device_unites_nobody() -> None:
    identity = Identity(sightings=seen(("m:a", 1), ("m:b", 5), ("m:a", 9)))
    assert owners(identity, 2, 6, 10) == ["m:a", "m:b", "m:a"]


def test_after_a_sign_out_the_device_stays_with_the_last_member() -> None:
    identity = Identity(links=[link("m:a", 1, 3), link("m:b", 5, 6)])
    assert owners(identity, 2, 3, 4, 5, 6, 100) == ["m:a", "m:a", "m:a", "m:b", "m:b", "m:b"]


def test_the_last_to_sign_out_is_the_last_member_whoever_signed_in_last() -> None:
    identity = Identity(links=[link("m:a", 1, 9), link("m:b", 3, 5)])
    assert owners(identity, 2, 4, 6, 10) == ["m:a", "m:b", "m:a", "m:a"]


def test_ties_go_to_the_later_sign_in_and_then_to_the_smaller_member() -> None:
    both = Identity(links=[link("m:b", 1, 5), link("m:a", 1, 5)])
    assert owners(both, 0, 3, 8) == ["m:a", "m:a", "m:a"]
    assert owners(Identity(links=[link("m:a", 1, 5), link("m:b", 2, 5)]), 3, 8) == ["m:b", "m:b"]
    assert owners(Identity(sightings=seen(("m:b", 1), ("m:a", 1))), 1, 2) == ["m:a", "m:a"]


def test_a_sighting_ends_with_the_next_member_of_either_kind() -> None:
    identity = Identity(links=[link("m:b", 5, 6)], sightings=seen(("m:a", 1)))
    assert owners(identity, 4, 5, 7) == ["m:a", "m:b", "m:b"]


def test_a_declared_link_goes_on_below_another_that_ends() -> None:
    identity = Identity(links=[link("m:a", 1)], sightings=seen(("m:b", 5), ("m:c", 7)))
    assert owners(identity, 4, 6, 8) == ["m:a", "m:b", "m:c"]
    nested = Identity(links=[link("m:a", 1), link("m:b", 5, 7)])
    assert owners(nested, 4, 6, 8) == ["m:a", "m:b", "m:a"]


def test_an_empty_link_was_begun_and_never_held() -> None:
    identity = Identity(links=[link("m:a", 3, 3)])
    assert owners(identity, 1, 3, 9) == ["m:a", "m:a", "m:a"]
    assert owners(Identity(links=[link("m:a", 3, 3), link("m:b", 3, 4)]), 3) == ["m:b"]


def test_too_many_members_leave_a_visitor_alone_outside_declared_links() -> None:
    crowd = seen(("m:a", 1), ("m:b", 5))
    identity = Identity(links=[link("m:c", 6, 8)], sightings=crowd, max_members=2)
    assert owners(identity, 0, 2, 5.5, 7, 9) == [PHONE, PHONE, PHONE, "m:c", PHONE]
    assert identity.person(PHONE, "m:a", at(2)) == "m:a"
    few = Identity(links=[link("m:b", 6, 8)], sightings=crowd, max_members=2)
    assert owners(few, 0, 2, 9) == ["m:a", "m:a", "m:b"]


def test_explicit_links_unite_members_over_any_number_of_steps() -> None:
    pairs = [("m:d", "m:c"), ("m:b", "m:c"), ("m:x", "m:y")]
    assert [united(member, pairs) for member in ("m:b", "m:c", "m:d", "m:x", "m:a")] == [
        *("m:b", "m:b", "m:b", "m:x", "m:a")
    ]
    identity = Identity(sightings=seen(("m:d", 1)), same=pairs)
    assert owners(identity, 0, 2) == ["m:b", "m:b"]
    assert identity.person(None, "m:c", at(0)) == "m:b"


def test_united_members_are_still_as_many_to_the_limit_of_a_visitor() -> None:
    crowd = seen(("m:a", 1), ("m:b", 5), ("m:c", 7))
    identity = Identity(sightings=crowd, same=[("m:a", "m:b")], max_members=2)
    assert owners(identity, 9) == [PHONE]


def test_bots_by_name_and_by_number() -> None:
    day, after = date(2024, 9, 1), date(2024, 9, 2)
    browser = "Mozilla/5.0 (like Gecko)"
    visits = [
        *[Visit("v:1", day, browser)] * 3,
        *[Visit("v:2", day, browser)] * 2,
        Visit("v:1", after, browser),
        *[Visit(None, day, "")] * 3,
        Visit("v:3", day, "Mozilla/5.0 (compatible; GoogleBOT/2.1)"),
        Visit("v:3", day, "CURL/8.1"),
        Visit("v:3", after, ""),
    ]
    assert bots(visits, events_per_day=2) == [True] * 3 + [False] * 6 + [True, True, False]


def write(folder: Path, name: str, *records: dict[str, str]) -> None:
    """A dump of these records; what they do not name is empty."""
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wt", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, COLUMNS[name.partition("-")[0]], restval="")
        writer.writeheader()
        writer.writerows(records)


def view(number: int, time: str, **more: str) -> dict[str, str]:
    return {"event_id": f"E{number}", "event_time": time, "brand": "lumen", "event": "page_view", **more}


def test_the_latest_version_of_a_link_counts_however_it_arrives(tmp_path: Path) -> None:
    write(
        tmp_path,
        "events-2024-09-10.csv.gz",
        view(1, "2024-09-01 10:00:00", visitor_id="phone"),
        view(2, "2024-09-02 10:00:00", visitor_id="tablet"),
        view(3, "2024-09-03 10:00:00", visitor_id="desk"),
    )
    told = {"valid_from": "2024-09-01 09:00:00", "withdrawn": "false"}
    later = {**told, "recorded_at": "2024-09-05 09:00:00"}
    early = {**told, "recorded_at": "2024-09-02 09:00:00"}
    write(
        tmp_path,
        "identity_links-2024-09-10.csv",
        {**later, "link_id": "L1", "visitor_id": "phone", "member_id": "a", "withdrawn": "true"},
        {**later, "link_id": "L2", "visitor_id": "tablet", "member_id": "b"},
        {**later, "link_id": "L3", "visitor_id": "desk", "member_id": "d"},
        {**later, "link_id": "L4", "member_id": "d", "other_member_id": "c"},
    )
    write(
        tmp_path,
        "identity_links-2024-09-11.csv",
        {**early, "link_id": "L1", "visitor_id": "phone", "member_id": "a"},
        {**early, "link_id": "L2", "visitor_id": "tablet", "member_id": "z"},
    )
    evidence, dropped = sample_shop.read(tmp_path)
    assert not dropped
    assert {(touch.person, touch.day.day) for touch in evidence.touches} == {
        ("sample_shop:v:phone", 1),
        ("sample_shop:m:b", 2),
        ("sample_shop:m:c", 3),
    }


def test_bots_tell_of_sign_ins_and_leave_no_touch(tmp_path: Path) -> None:
    write(
        tmp_path,
        "events-2024-09-10.csv.gz",
        view(1, "2024-09-01 10:00:00", visitor_id="phone"),
        view(2, "2024-09-02 10:00:00", visitor_id="phone", member_id="a", user_agent="SomeBot"),
    )
    evidence, _ = sample_shop.read(tmp_path)
    assert evidence.touches == {Touch("lumen", "sample_shop:m:a", "page_view", date(2024, 9, 1))}


@pytest.mark.parametrize(
    ("signed_in", "person"), [("09-03 23:59:59", "b"), ("09-04 00:00:00", "b"), ("09-04 00:00:01", "a")]
)
def test_a_membership_is_whose_the_device_is_as_the_day_of_joining_ends(
    tmp_path: Path, signed_in: str, person: str
) -> None:
    write(
        tmp_path,
        "events-2024-09-10.csv.gz",
        view(1, "2024-09-01 10:00:00", visitor_id="phone", member_id="a"),
        view(2, f"2024-{signed_in}", visitor_id="phone", member_id="b"),
    )
    joined = {"updated_at": "2024-09-03 12:00:00", "joined_at": "2024-09-03 12:00:00", "state": "follower"}
    write(
        tmp_path,
        "memberships-2024-09-10.csv",
        {**joined, "membership_id": "S1", "brand": "lumen", "visitor_id": "phone"},
    )
    evidence, _ = sample_shop.read(tmp_path)
    member = f"sample_shop:m:{person}"
    assert evidence.memberships == [Membership("lumen", member, date(2024, 9, 3), None, "follower")]


def day(offset: int) -> date:
    return START.date() + timedelta(days=offset)


def test_every_change_inside_a_period_counts() -> None:
    walks = walk(
        Evidence.of(
            Touch("b", "x", "page_view", day(0)),
            Membership("b", "x", day(2), day(5)),
            Membership("b", "x", day(6), day(8)),
            Touch("b", "y", "page_view", day(3)),
        )
    )
    assert stage_changes(walks, day(1), day(8)) == {
        ("b", "A", "I"): 2,
        ("b", "I", "A"): 2,
        ("b", "O", "A"): 1,
    }
    assert stage_changes(walks, day(0), day(1)) == {("b", "O", "A"): 1}
    assert stage_changes(walks, day(3), day(4)) == {("b", "O", "A"): 1}


def visit(person: str, offset: int, event_id: str, channel: str | None = None) -> SeenEvent:
    moment = datetime.combine(day(offset), datetime.min.time())
    return SeenEvent("b", person, day(offset), moment, event_id, channel, "c1" if channel else None)


def test_the_first_event_of_the_period_names_what_deepened() -> None:
    persons = [*("told", "not told", "too late", "none", "stays", "new", "rose and fell")]
    began = [Touch("b", person, "page_view", day(0)) for person in persons if person != "new"]
    bought = [
        PaidOrder("b", person, day(4)) for person in persons if person not in ("stays", "rose and fell")
    ]
    walks = walk(Evidence.of(*began, *bought, PaidOrder("b", "rose and fell", day(3), day(5))))
    seen_events = [
        visit("told", 0, "a", "before the period"),
        visit("told", 2, "z", "second"),
        visit("told", 2, "y", "first"),
        visit("not told", 4, "a"),
        visit("too late", 5, "a", "app"),
        visit("stays", 1, "a", "app"),
        visit("new", 1, "a", "app"),
    ]
    assert deepening(walks, seen_events, CONSUMER_ASSET, day(1), day(7)) == {
        ("b", Met(True, "first", "c1")): 1,
        ("b", Met(True)): 1,
        ("b", Met(False)): 2,
    }
