"""Pending loads: dumps that are not loaded yet, found by listing them; and which of them are due."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from orchestration.arrival.configured import Arrival
from orchestration.arrival.contract import contract, program_hash
from orchestration.arrival.dumps import DumpsUnreachable
from orchestration.arrival.pull import DumpFile, survey
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings
from orchestration.sources.calendar import delivered_load_dates, first_expected, is_closed
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source


@dataclass(frozen=True)
class Request:
    """Which load dates (both ends included, None: open) of which source (None: all), from where.

    `only` names the files to look at by source; of a source that it leaves out, none.
    """

    first: date | None = None
    last: date | None = None
    source: str | None = None
    dumps: str | None = None
    only: Mapping[str, Collection[str]] | None = None

    def files_of(self, source_id: str) -> list[str] | None:
        """The only files to look at; None: all."""
        return None if self.only is None else sorted(self.only.get(source_id, ()))

    def wants(self, load_date: date) -> bool:
        """Whether the request includes a load date."""
        return (self.first or date.min) <= load_date <= (self.last or date.max)


ALL = Request()


@dataclass
class PendingLoads:
    """The pending loads found by listing the dumps, by source.

    `load_dates` have new or changed dumps, or wait for the arrival gate. `delivered` load dates lack no table
    that must not be empty, loaded or not. `unreachable` sources could not be listed, and why. `warnings` are
    about what is listed and not read. `mark` names the pending: the same files, the same mark.
    """

    load_dates: dict[str, list[date]] = field(default_factory=dict)
    delivered: dict[str, set[date]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    mark: str = ""


def find_pending(settings: Settings, arrival: Arrival, request: Request, today: date) -> PendingLoads:
    """List the dumps of all sources of `arrival`; an unreachable one does not affect the others.

    Raises ConfigurationError for a source whose declaration or location is wrong.
    """
    pending = PendingLoads()
    marks: list[str] = []
    program = program_hash(settings)
    for source_id, source in arrival.sources.items():
        deliveries = arrival.of(source_id)
        try:
            dumps, warnings = survey(settings, source, deliveries, request.dumps, today)
            pending.warnings += warnings
        except DumpsUnreachable as error:
            pending.unreachable[source_id] = str(error)
            dumps = []
        _require_all(source_id, dumps, request)
        waiting = deliveries.awaiting(contract(settings, source, program))
        if (only := request.files_of(source_id)) is not None:
            dumps = [dump for dump in dumps if dump.file in only]
            waiting &= {version.load_date for version in deliveries.versions if version.file in only}
        dates = {dump.load_date for dump in dumps} | waiting
        if wanted := sorted(day for day in dates if request.wants(day)):
            pending.load_dates[source_id] = wanted
        held = [(version.table_name, version.load_date) for version in deliveries.latest.values()]
        came = [(dump.table_name, dump.load_date) for dump in dumps]
        pending.delivered[source_id] = delivered_load_dates(source, [*held, *came])
        marks += [*map(_mark, dumps), *(f"{source_id} {day}" for day in waiting)]
    pending.mark = hashlib.sha256("\n".join(sorted(marks)).encode()).hexdigest()[:16]
    return pending


def _require_all(source_id: str, dumps: Iterable[DumpFile], request: Request) -> None:
    """Refuse to rehash the personal columns of only some dumps: the others would keep their old hashes.

    Raises ConfigurationError.
    """
    only = request.files_of(source_id)
    rehashed = [dump for dump in dumps if dump.rehashed]
    asked = [d for d in rehashed if request.wants(d.load_date) and (only is None or d.file in only)]
    if len(asked) < len(rehashed):
        raise ConfigurationError(
            f"source {source_id}: personal columns are declared or hashed differently from those in raw, so"
            f" all {len(rehashed):,} of its dumps have to be read again, not only {len(asked):,}."
            f" Run `aipl run --source {source_id}`, without dates and not as a replay."
        )


def _mark(dump: DumpFile) -> str:
    return f"{dump.source_id} {dump.file} {dump.cause} {dump.dump.hint if dump.dump else None}"


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
    return source.feed == "daily" and has_begun and not is_closed(source, load_date)


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
