"""What a night brings in, and what it waits for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.arrival.pending import PendingLoads, due_loads
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source

TODAY = date(2026, 3, 10)
YESTERDAY = TODAY - timedelta(days=1)
SCHEDULE = Schedule.model_validate({"timezone": "Europe/London", "starts_at": "02:30", "deadline": "06:00"})


def source(name: str = "east", **entry: object) -> Source:
    table = {"files": "e_{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}}
    base = {"source_id": name, "feed": "daily", "currency": "CNY", "starts_on": "2026-03-01"}
    return Source.model_validate(base | {"tables": {"e": table}} | entry)


def at(clock: str, day: date = TODAY) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo("Europe/London"))


def come(*days: date) -> set[date]:
    """All load dates before today, and these."""
    return {date(2026, 3, 2) + timedelta(days=n) for n in range(8)} | set(days)


BOTH = {"east": source("east"), "west": source("west")}
EAST_CAME = PendingLoads({"east": [YESTERDAY, TODAY]}, {"east": come(TODAY), "west": come()})


@pytest.mark.parametrize(
    ("clock", "wanted", "waits"),
    [
        ("01:00", {"east": [YESTERDAY]}, "of east wait for 02:30"),
        ("02:30", {"east": [YESTERDAY]}, "wait for west, until 06:00"),
        ("05:59", {"east": [YESTERDAY]}, "wait for west, until 06:00"),
        ("06:00", {"east": [YESTERDAY, TODAY]}, None),
    ],
)
def test_today_waits_for_all_until_the_deadline_and_yesterday_goes_at_once(clock, wanted, waits):
    decided = due_loads(BOTH, SCHEDULE, EAST_CAME, at(clock))
    assert decided.load_dates == wanted
    assert (decided.waits is None) if waits is None else waits in decided.waits


@pytest.mark.parametrize(
    "west",
    [
        {"closed": {"dates": [TODAY.isoformat()]}},
        {"closed": {"weekdays": ["tuesday"]}},
        {"ends_on": "2026-03-08"},
        {"starts_on": "2026-04-01"},
        {"due": "02:00"},
        {"due": "02:30"},
        {"feed": "static", "starts_on": None},
    ],
    ids=str,
)
def test_who_owes_nothing_is_not_waited_for(west):
    sources = {"east": source(), "west": source("west", **west)}
    assert due_loads(sources, SCHEDULE, EAST_CAME, at("02:30")).waits is None


def test_deadlines_zones_and_static_dumps():
    later = {"east": source(), "west": source("west", due="08:00")}
    assert "until 08:00" in due_loads(later, SCHEDULE, EAST_CAME, at("07:00")).waits
    assert due_loads(later, SCHEDULE, EAST_CAME, at("08:00")).waits is None
    # A static dump waits for nobody, and nobody waits once all have come.
    static = BOTH | {"once": source("once", feed="static", starts_on=None)}
    pending = PendingLoads({"once": [TODAY]}, {"east": come(), "west": come()})
    assert due_loads(static, SCHEDULE, pending, at("01:00")).load_dates == {"once": [TODAY]}
    all_came = PendingLoads({"east": [TODAY], "west": [TODAY]}, {"east": come(TODAY), "west": come(TODAY)})
    assert due_loads(BOTH, SCHEDULE, all_came, at("02:30")).load_dates == all_came.load_dates
    # 19:30 in London is 03:30 of the next day in Shanghai.
    schedule = Schedule.model_validate({"timezone": "Asia/Shanghai"})
    waits = due_loads(BOTH, schedule, EAST_CAME, at("19:30", YESTERDAY)).waits
    assert waits == f"The loads of {TODAY} wait for west, until 06:00"


@given(
    pending=st.dictionaries(
        st.sampled_from(["east", "west"]),
        st.lists(st.dates(date(2026, 3, 1), date(2026, 3, 12)), min_size=1, unique=True).map(sorted),
    ),
    delivered=st.sets(st.sampled_from(["east", "west"])),
    minute=st.integers(0, 1439),
)
def test_nothing_is_lost_and_late_loads_never_wait(pending, delivered, minute):
    known = {name: come(TODAY) if name in delivered else come() for name in BOTH}
    now = at("00:00") + timedelta(minutes=minute)
    decided = due_loads(BOTH, SCHEDULE, PendingLoads(pending, known), now)
    for name, dates in pending.items():
        now_in = decided.load_dates.get(name, [])
        assert [day for day in dates if day < TODAY] == [day for day in now_in if day < TODAY]
        left = set(dates) - set(now_in)
        assert all(day >= TODAY for day in left)
        assert decided.waits is not None or not left
    if minute >= 6 * 60:
        assert decided.load_dates == pending


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"starts_at": 150}, "in quotation marks"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"starts_at": "07:00"}, "follow each other"),
        ({"begin": "02:30"}, "Extra inputs"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(entry, message):
    with pytest.raises(ValueError, match=message):
        Schedule.model_validate(entry)
