"""Pending loads: dumps that are not loaded yet, found by listing them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from orchestration.arrival.dumps import DumpsUnreachable
from orchestration.arrival.file_versions import awaiting, latest_versions
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pull import DumpFile, discover
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings
from orchestration.sources.calendar import delivered_load_dates
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


@dataclass
class PendingLoads:
    """The pending loads found by listing the dumps, by source.

    `load_dates` have new or changed dumps, or wait for the arrival gate. `delivered` load dates lack no table
    that must not be empty, loaded or not. `unreachable` sources could not be listed, and why. `mark` names
    the pending: the same files, the same mark.
    """

    load_dates: dict[str, list[date]] = field(default_factory=dict)
    delivered: dict[str, set[date]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    mark: str = ""


def find_pending(
    settings: Settings, sources: Mapping[str, Source], request: Request, today: date
) -> PendingLoads:
    """List the dumps of `sources`; an unreachable one does not affect the others.

    Raises ConfigurationError for a source whose declaration or location is wrong.
    """
    pending = PendingLoads()
    marks: list[str] = []
    for source_id, source in sources.items():
        try:
            dumps = discover(settings, source, request.dumps, today)
        except DumpsUnreachable as error:
            pending.unreachable[source_id] = str(error)
            dumps = []
        with LoadManifest(settings.manifest) as manifest:
            versions = manifest.versions(source_id)
        _require_all(source_id, dumps, request)
        waiting = awaiting(versions, source.gate_contract)
        if (only := request.files_of(source_id)) is not None:
            dumps = [dump for dump in dumps if dump.file in only]
            asked = {version.load_date for version in versions if version.file in only}
            waiting &= asked
        dates = {dump.load_date for dump in dumps} | waiting
        if wanted := sorted(day for day in dates if request.wants(day)):
            pending.load_dates[source_id] = wanted
        held = [(version.table_name, version.load_date) for version in latest_versions(versions).values()]
        came = [(dump.table_name, dump.load_date) for dump in dumps]
        pending.delivered[source_id] = delivered_load_dates(source, [*held, *came])
        marks += [*map(_mark, dumps), *(f"{source_id} {day}" for day in waiting)]
    pending.mark = _digest(marks)
    return pending


def _require_all(source_id: str, dumps: Iterable[DumpFile], request: Request) -> None:
    """Refuse to read a part of the dumps whose personal columns are hashed anew: the rest would stay.

    Raises ConfigurationError.
    """
    only = request.files_of(source_id)
    anew = [dump for dump in dumps if dump.is_hashed_anew]
    asked = [d for d in anew if request.wants(d.load_date) and (only is None or d.file in only)]
    if len(asked) < len(anew):
        raise ConfigurationError(
            f"source {source_id}: personal columns are declared or hashed differently from those in raw, so"
            f" all {len(anew):,} of its dumps have to be read again, not only {len(asked):,}."
            f" Run `aipl run --source {source_id}`, without dates and not as a replay."
        )


def _mark(dump: DumpFile) -> str:
    return f"{dump.source_id} {dump.file} {dump.cause} {dump.dump.hint if dump.dump else None}"


def _digest(marks: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(marks)).encode()).hexdigest()[:16]
