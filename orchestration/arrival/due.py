"""Due loads: what to load now and what to wait for, for schedule and sensor alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from orchestration.arrival.pending import PendingLoads
from orchestration.sources.calendar import expected_load_dates, first_expected
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source


@dataclass(frozen=True)
class DueLoads:
    """Load dates to load now, by source; `waits` says what has to wait and why, if anything."""

    load_dates: dict[str, list[date]]
    waits: str | None


def deadline(source: Source, schedule: Schedule) -> time:
    """Time of day until which the nightly run waits for a source."""
    return source.due or schedule.deadline


def is_owed(source: Source, load_date: date, delivered: Collection[date]) -> bool:
    """Whether a daily feed must deliver a date: its calendar expects it, and the feed has begun."""
    first = first_expected(source) or min(delivered, default=None)
    has_begun = first is not None and first <= load_date
    return source.feed == "daily" and has_begun and bool(expected_load_dates(source, load_date, load_date))


def due_loads(
    sources: Mapping[str, Source], schedule: Schedule, pending: PendingLoads, now: datetime
) -> DueLoads:
    """Late, changed and redelivered loads are due at once; those of today are loaded together.

    Today's loads of daily feeds wait until `starts_at`, and then for each expected source until its deadline:
    a release with half of today's sources would have to be made again.
    """
    local = now.astimezone(schedule.zone)
    today, clock = local.date(), local.time()
    fresh = {
        source_id
        for source_id, dates in pending.load_dates.items()
        if sources[source_id].feed == "daily" and max(dates) >= today
    }
    owing = [
        source_id
        for source_id, source in sources.items()
        if is_owed(source, today, pending.delivered.get(source_id, ()))
        and today not in pending.delivered.get(source_id, ())
        and clock < deadline(source, schedule)
    ]
    if clock < schedule.starts_at and fresh:
        waits = f"The loads of {today} of {', '.join(sorted(fresh))} wait for {schedule.starts_at:%H:%M}"
    elif owing:
        until = max(deadline(sources[source_id], schedule) for source_id in owing)
        waits = f"The loads of {today} wait for {', '.join(owing)}, until {until:%H:%M}"
    else:
        return DueLoads(dict(pending.load_dates), None)
    before = {
        source_id: [day for day in dates if source_id not in fresh or day < today]
        for source_id, dates in pending.load_dates.items()
    }
    return DueLoads({source_id: dates for source_id, dates in before.items() if dates}, waits)
