"""The oracle of identity, held against the cases of the definitions worked out by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from oracle.evidence import Evidence, Membership, PaidOrder, SeenEvent, Touch
from oracle.identity import Identity, Link, Sighting, Visit, bots, united
from oracle.rules import CONSUMER_ASSET
from oracle.stages import Met, deepening, stage_changes, walk

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


def test_a_row_that_names_a_member_is_the_members() -> None:
    identity = Identity(sightings=seen(("m:a", 1)))
    assert identity.person(PHONE, "m:b", at(2)) == "m:b"
    assert identity.person(None, "m:b", at(2)) == "m:b"
    assert identity.person(None, None, at(2)) is None
    assert identity.person("v:other", None, at(2)) == "v:other"


CROWD = seen(("m:a", 1), ("m:b", 5))


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        # Rows before the first sign-in are the first member's.
        (
            Identity(sightings=seen(("m:b", 5), ("m:a", 9))),
            {0: "m:b", 4.9: "m:b", 5: "m:b", 8.9: "m:b", 9: "m:a"},
        ),
        (Identity(links=[link("m:b", 5), link("m:a", 5)]), {0: "m:a"}),
        # A shared device unites nobody.
        (Identity(sightings=seen(("m:a", 1), ("m:b", 5), ("m:a", 9))), {2: "m:a", 6: "m:b", 10: "m:a"}),
        # After a sign-out the device stays with the last member,
        (
            Identity(links=[link("m:a", 1, 3), link("m:b", 5, 6)]),
            {2: "m:a", 3: "m:a", 4: "m:a", 5: "m:b", 6: "m:b", 100: "m:b"},
        ),
        # who is the last to sign out, whoever signed in last.
        (Identity(links=[link("m:a", 1, 9), link("m:b", 3, 5)]), {2: "m:a", 4: "m:b", 6: "m:a", 10: "m:a"}),
        # Ties go to the later sign-in and then to the smaller member.
        (Identity(links=[link("m:b", 1, 5), link("m:a", 1, 5)]), {0: "m:a", 3: "m:a", 8: "m:a"}),
        (Identity(links=[link("m:a", 1, 5), link("m:b", 2, 5)]), {3: "m:b", 8: "m:b"}),
        (Identity(sightings=seen(("m:b", 1), ("m:a", 1))), {1: "m:a", 2: "m:a"}),
        # A sighting ends with the next member of either kind.
        (Identity(links=[link("m:b", 5, 6)], sightings=seen(("m:a", 1))), {4: "m:a", 5: "m:b", 7: "m:b"}),
        # A declared link goes on below another that ends.
        (
            Identity(links=[link("m:a", 1)], sightings=seen(("m:b", 5), ("m:c", 7))),
            {4: "m:a", 6: "m:b", 8: "m:c"},
        ),
        (Identity(links=[link("m:a", 1), link("m:b", 5, 7)]), {4: "m:a", 6: "m:b", 8: "m:a"}),
        # An empty link was begun and never held.
        (Identity(links=[link("m:a", 3, 3)]), {1: "m:a", 3: "m:a", 9: "m:a"}),
        (Identity(links=[link("m:a", 3, 3), link("m:b", 3, 4)]), {3: "m:b"}),
        # Too many members leave a visitor alone outside declared links, also if they are united.
        (
            Identity(links=[link("m:c", 6, 8)], sightings=CROWD, max_members=2),
            {0: PHONE, 2: PHONE, 5.5: PHONE, 7: "m:c", 9: PHONE},
        ),
        (Identity(links=[link("m:b", 6, 8)], sightings=CROWD, max_members=2), {0: "m:a", 2: "m:a", 9: "m:b"}),
        (Identity(sightings=[*CROWD, *seen(("m:c", 7))], same=[("m:a", "m:b")], max_members=2), {9: PHONE}),
    ],
)
def test_who_a_row_without_a_member_belongs_to(identity: Identity, expected: dict[float, str]) -> None:
    assert {hour: identity.person(PHONE, None, at(hour)) for hour in expected} == expected


def test_explicit_links_unite_members_over_any_number_of_steps() -> None:
    pairs = [("m:d", "m:c"), ("m:b", "m:c"), ("m:x", "m:y")]
    assert [united(member, pairs) for member in ("m:b", "m:c", "m:d", "m:x", "m:a")] == [
        *("m:b", "m:b", "m:b", "m:x", "m:a")
    ]
    identity = Identity(sightings=seen(("m:d", 1)), same=pairs)
    assert [identity.person(PHONE, None, at(hour)) for hour in (0, 2)] == ["m:b", "m:b"]
    assert identity.person(None, "m:c", at(0)) == "m:b"


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
