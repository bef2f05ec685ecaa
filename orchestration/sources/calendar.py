"""When loads are expected, which are missing, and how far the data of a source are complete."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import get_args

from orchestration.sources.source import Source, Weekday

DAY = timedelta(days=1)
WEEKDAYS = get_args(Weekday)


# No dump is older: an earlier date in a file name is a slip.
EARLIEST_LOAD_DATE = date(1970, 1, 1)


def coverage(source: Source, load_date: date) -> date:
    """Last business day that a load of a daily feed completes."""
    return load_date - DAY if source.covers == "previous_day" else load_date


def kept_from(source: Source, today: date) -> date | None:
    """First day that `raw_days` leaves: of a month, so that what is left changes once a month."""
    days = source.retention.raw_days
    return (today - timedelta(days=days)).replace(day=1) if days else None


def is_retired(source: Source, table_name: str, load_date: date) -> bool:
    """Whether a load of a table covers a day before those that are kept."""
    is_past = source.kept_from is not None and coverage(source, load_date) < source.kept_from
    return is_past and not source.tables[table_name].lasting


def first_expected(source: Source) -> date | None:
    """First load date that a daily feed owes; `None` where the source does not say when it starts."""
    if source.starts_on is None:
        return None
    return source.starts_on + DAY if source.covers == "previous_day" else source.starts_on


def is_closed(source: Source, load_date: date) -> bool:
    """Whether no dump is expected on this load date: by the calendar, or because the feed has ended."""
    has_ended = source.ends_on is not None and coverage(source, load_date) > source.ends_on
    return (
        has_ended
        or load_date in source.closed.dates
        or WEEKDAYS[load_date.weekday()] in source.closed.weekdays
    )


def delivered_load_dates(source: Source, came: Iterable[tuple[str, date]]) -> set[date]:
    """Load dates of which every table that must not be empty came, from pairs of table and load date."""
    tables: dict[date, set[str]] = {}
    for table, load_date in came:
        tables.setdefault(load_date, set()).add(table)
    needed = {name for name, table in source.tables.items() if not table.may_be_empty}
    return {load_date for load_date, delivered in tables.items() if needed <= delivered}


def missing_load_dates(source: Source, load_dates: Collection[date], last: date) -> list[date]:
    """Expected load dates up to `last` that have not come, in order; a static source owes none."""
    first = first_expected(source) or min(load_dates, default=None)
    if source.feed == "static" or first is None:
        return []
    days = (first + DAY * offset for offset in range((last - first).days + 1))
    return [day for day in days if not is_closed(source, day) and day not in load_dates]


def complete_through(source: Source, load_dates: Iterable[date]) -> date | None:
    """Last business day that the data are complete for.

    Daily feeds: what the last load before the first missing one covers; `None` before the first load.
    Static sources: the declared day; `None` asks dbt for the day of the last event.
    """
    if source.feed == "static":
        return source.complete_through
    first = first_expected(source)
    present = {day for day in load_dates if first is None or day >= first}
    if not present:
        return None
    missing = missing_load_dates(source, present, max(present))
    reached = [day for day in present if not missing or day < missing[0]]
    return coverage(source, max(reached)) if reached else None
