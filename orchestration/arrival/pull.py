"""Pull: find new and changed dumps, then land, read and register them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import monotonic

import pyarrow.parquet as pq

from orchestration.arrival.dumps import Dump, Dumps, DumpsUnreachable, open_dumps
from orchestration.arrival.erasing.sweep import discard_unreadable, search_in, take_out_of_landing
from orchestration.arrival.file_versions import Deliveries, FileVersion, Hint, State
from orchestration.arrival.landing import check_size, land, landed_copy
from orchestration.arrival.manifest import LoadManifest, require_manifest
from orchestration.arrival.parsed import find_parsed, is_landed, parse
from orchestration.arrival.readers import Parsed, UnreadableDump
from orchestration.core.atomic import flush_all
from orchestration.core.errors import ConfigurationError
from orchestration.core.printable import counted
from orchestration.core.privacy.erased import read_erased
from orchestration.core.privacy.person_key import require_person_key
from orchestration.core.progress import reporter
from orchestration.core.redact import redact, refuse_credentials
from orchestration.core.settings import Settings
from orchestration.sources.calendar import EARLIEST_LOAD_DATE, is_retired
from orchestration.sources.source import Source
from orchestration.sources.table import Table

# Seconds of landing between two steps of the manifest: a kill loses no more than these, and what reads it.
STEP_SECONDS = 1.0
# Dumps up to this size are read side by side. Larger ones are read one at a time: they take memory, and
# whoever stops a pull waits for the threads.
SMALL_BYTES = 64 << 20
SHOWN_NAMES = 5
READERS = min(4, os.cpu_count() or 1)


class Cause(StrEnum):
    """Why a dump has to be processed."""

    NEW = "new"
    CHANGED = "changed"
    DECLARATION = "declaration"
    MISSING = "missing"


@dataclass(frozen=True)
class DumpFile:
    """A dump to process. `dump` is `None` if landing already has it and the dumps are not needed.

    The load date of a changed dump without a date in its name is the pull's day, until its checksum turns out
    to be known. `rehashed` are columns that are now read differently, hashed or not, or with another key:
    with any of them it cannot stand beside its table's other dumps as it is.
    """

    source_id: str
    table_name: str
    file: str
    load_date: date
    cause: Cause
    dump: Dump | None
    known: FileVersion | None
    rehashed: frozenset[str] = frozenset()


@dataclass
class PullReport:
    """What a pull did: new and unreadable versions, files of known content, and warnings for the user."""

    arrived: list[FileVersion] = field(default_factory=list)
    refused: list[FileVersion] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def load_dates(self) -> list[date]:
        """Load dates on which something arrived or was refused, in order: the loads to accept or refuse."""
        return sorted({version.load_date for version in [*self.arrived, *self.refused]})


def survey(
    settings: Settings, source: Source, deliveries: Deliveries, dumps: str | None, today: date
) -> tuple[list[DumpFile], list[str]]:
    """List the dumps that a pull would process, by load date and name, without reading them.

    Returns them, and warnings about what is listed and not read.

    Raises:
        ConfigurationError: the source has no place for dumps, or there is nothing at it; or its personal
            columns have to be rehashed, and a dump of them is gone.
    """
    return _survey(settings, _salted(settings, source), deliveries, _place(source, dumps), today)


def require_dumps(source: Source, place: str) -> None:
    """Raise ConfigurationError where no file at a place is a dump of the source, or as `_place` does."""
    names = [dump.name for dump in _place(source, place).files()[0]]
    if any(map(source.match, names)):
        return
    found = f"it has {', '.join(names[:SHOWN_NAMES])}" if names else "it has no files"
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    patterns = ", ".join(table.files for table in source.tables.values())
    raise ConfigurationError(
        f"{redact(place)} holds no dump of {source.source_id}: {found}{more}. The names of its dumps must"
        f" match {patterns}."
    )


def pull(
    settings: Settings,
    source: Source,
    load_dates: Collection[date] | None,
    dumps: str | None,
    today: date,
    *,
    only: Collection[str] | None = None,
) -> PullReport:
    """Land, read and register the new and changed dumps of these load dates and names (`None`: of all).

    Safe to repeat at any time: a dump is registered after it is landed and read, and both are on the disk; a
    killed pull only leaves work for the next. One pull of a source at a time.

    Raises:
        ConfigurationError: what `survey` raises.
    """
    require_manifest(settings)
    source = _salted(settings, source)
    place = _place(source, dumps)
    with LoadManifest(settings.manifest) as manifest, _readers() as readers:
        deliveries = manifest.deliveries(source.source_id)
        work, warnings = _survey(settings, source, deliveries, place, today)
        if read_erased(settings).erasures:
            # Tables that say who owns a document come before those that only refer to it.
            work.sort(key=lambda item: (item.load_date, list(source.tables).index(item.table_name)))
        pulling = _Pull(settings, manifest, source, place, deliveries, readers)
        pulling.report.warnings += warnings
        asked = [
            item
            for item in work
            if (only is None or item.file in only) and (load_dates is None or item.load_date in load_dates)
        ]
        reporter().expect(len(asked))
        for item in asked:
            pulling.take(item)
            reporter().step(item.file)
        pulling.finish()
    return pulling.report


@contextmanager
def _readers() -> Iterator[ThreadPoolExecutor]:
    """Threads that read dumps; a failing pull does not wait for those not yet started."""
    readers = ThreadPoolExecutor(READERS)
    try:
        yield readers
    finally:
        readers.shutdown(cancel_futures=True)


def _salted(settings: Settings, source: Source) -> Source:
    """With a different salt, the same dumps give other rows, so they are read again from landing."""
    if not source.has_personal_columns:
        return source
    return source.salted(require_person_key(settings).fingerprint)


def _place(source: Source, dumps: str | None) -> Dumps:
    location = dumps or source.dumps
    if not location:
        raise ConfigurationError(
            f"source {source.source_id} has no location for its dumps. Give one with --dumps,"
            " or add `dumps` to its entry in the sources file."
        )
    if dumps:
        # The location is stored with the run, and the command in the shell history.
        refuse_credentials(dumps, "The location given for the dumps")
    return open_dumps(location)


def _survey(
    settings: Settings, source: Source, deliveries: Deliveries, place: Dumps, today: date
) -> tuple[list[DumpFile], list[str]]:
    """Compare the listing with the manifest; returns the dumps to process, and warnings."""
    latest = deliveries.latest
    dumps, warnings = place.files()
    work, past = [], 0
    for dump in dumps:
        found = source.match(dump.name)
        if found is None:
            warnings.append(f"{dump.name} matches no table of {source.source_id} and is not read.")
            continue
        known = latest.get(dump.name)
        if known and deliveries.hints.get(dump.name) == dump.hint:
            continue
        table_name, match = found
        day = match.load_date or source.load_date or today
        if is_retired(source, table_name, day):
            past += 1
        elif day < EARLIEST_LOAD_DATE:
            warnings.append(f"{dump.name} is of {day}, before {EARLIEST_LOAD_DATE}, and is not read.")
        elif day > today:
            warnings.append(f"{dump.name} is of {day}, which is still to come, and waits until then.")
        else:
            cause = Cause.CHANGED if known else Cause.NEW
            rehashed = _rehashed(known, source.tables[table_name]) if known else frozenset()
            work.append(DumpFile(source.source_id, table_name, dump.name, day, cause, dump, known, rehashed))
    listed = {dump.name: dump for dump in dumps}
    fetched = {item.file for item in work}
    kept = [
        item
        for known in latest.values()
        if known.file not in fetched
        for item in _from_landing(settings, source, known, listed.get(known.file))
    ]
    gone = [item for item in kept if item.cause is Cause.DECLARATION and _is_gone(settings, item)]
    readable = {version.file for version in deliveries.versions if version.is_readable}
    _refuse_two_hashes(
        source, [item for item in gone if item.file in readable and _has_other_hashes(settings, item)]
    )
    if past:
        warnings.append(f"Days before {source.kept_from} are retired: {counted(past, 'dump')} not read.")
    if gone:
        warnings.append(
            f"{counted(len(gone), 'file')} (such as {gone[0].file}) cannot be read as newly declared:"
            " neither landing nor the dumps have them intact. To have them read again, restore the dumps."
        )
    left = {item.file for item in gone}
    work += [item for item in kept if item.file not in left]
    return sorted(work, key=lambda item: (item.load_date, item.file)), warnings


def _is_gone(settings: Settings, item: DumpFile) -> bool:
    """Whether a known dump cannot be read again; a damaged copy counts where it matters."""
    if item.dump or item.known is None:
        return False
    is_lost = not landed_copy(settings, item.known).exists()
    return is_lost or bool(item.rehashed and not is_landed(settings, item.known))


def _refuse_two_hashes(source: Source, gone: list[DumpFile]) -> None:
    """Raise ConfigurationError if a value would have two hashes in raw, or be stored there in clear."""
    if not gone:
        return
    tables = ", ".join(sorted({item.table_name for item in gone}))
    raise ConfigurationError(
        f"source {source.source_id}: the personal columns of {tables} are declared or hashed differently"
        f" from those in raw, and {counted(len(gone), 'file')} (such as {gone[0].file}) cannot be read again:"
        " neither landing nor the dumps have them intact. One value would have two forms side by side."
        " Nothing was changed. Deliver these dumps again, go back to the former person key and `personal`, or"
        " retire their days with `retention: {raw_days: N}` of the source; see docs/retention.md."
    )


def _rehashed(known: FileVersion, table: Table) -> frozenset[str]:
    """Columns that would now be read differently: hashed or not, or with another key."""
    was = Table.declared_as(known.declaration)
    before, now = frozenset(was.personal), frozenset(table.personal)
    return before ^ now if was.salt_fingerprint == table.salt_fingerprint else before | now


def _has_other_hashes(settings: Settings, item: DumpFile) -> bool:
    """Whether the raw file of a dump has, or may have, a column to rehash."""
    if item.known is None or not item.rehashed:
        return False
    parsed = find_parsed(settings, item.known)
    columns = {name.casefold() for name in item.rehashed}
    return parsed is None or any(name.casefold() in columns for name in pq.read_schema(parsed).names)


def _from_landing(
    settings: Settings, source: Source, known: FileVersion, dump: Dump | None
) -> Iterator[DumpFile]:
    """Process known content again: its declaration changed, or its Parquet file is gone."""
    found = source.match(known.file)
    if found is None:
        return
    table_name, match = found
    day = match.load_date or source.load_date or known.load_date
    if known.state is State.RETIRED or is_retired(source, table_name, day):
        return
    table = source.tables[table_name]
    if (table_name, table.version(table_name, known.sha256), day) != known.identity:
        rehashed = _rehashed(known, table)
        yield DumpFile(
            source.source_id, table_name, known.file, day, Cause.DECLARATION, dump, known, rehashed
        )
    elif known.is_readable and find_parsed(settings, known) is None:
        yield DumpFile(source.source_id, table_name, known.file, day, Cause.MISSING, dump, known)


@dataclass
class _Pull:
    """One pull: takes dump after dump, and registers what came step by step.

    A step holds dumps being read, files to flush, manifest changes that depend on these, and discards that
    depend on the changes: for small dumps to flush and to register takes longer than to copy and to read.
    """

    settings: Settings
    manifest: LoadManifest
    source: Source
    place: Dumps
    deliveries: Deliveries
    readers: ThreadPoolExecutor
    report: PullReport = field(default_factory=PullReport)
    notes: list[Callable[[], object]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    changes: list[Callable[[], object]] = field(default_factory=list)
    discards: list[Callable[[], object]] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.contents = {_content_key(version): version.file for version in self.deliveries.latest.values()}

    def take(self, item: DumpFile) -> None:
        """Land, read and register a dump, if it has anything new."""
        if monotonic() - self.began > STEP_SECONDS:
            self.finish()
        if read_erased(self.settings).erasures:
            # What this dump tells of erased persons may be known by the one before only.
            self._wait()
            if self.discards:
                self.finish()
        sha256 = self._content(item)
        if sha256 is None:
            return
        hint, known = item.dump.hint if item.dump else None, item.known
        version = self._version(item, sha256)
        if not known or known.identity != version.identity or known.state is State.RETIRED:
            self._read(version, partial(self._note, version, hint))
            return
        self.report.unchanged.append(item.file)
        if known.is_readable and find_parsed(self.settings, known) is None:
            self._read(known, self._note_restored)
        if hint:
            self.changes.append(partial(self.manifest.remember, item.source_id, item.file, hint))

    def finish(self) -> None:
        """Wait, flush, change, discard."""
        self._wait()
        flush_all(self.files)
        with self.manifest.transaction():
            for change in self.changes:
                change()
        for discard in self.discards:
            discard()
        self.files, self.changes, self.discards, self.began = [], [], [], monotonic()

    def _wait(self) -> None:
        """Wait until everything has been read, and record the results."""
        for note in self.notes:
            note()
        self.notes = []

    def _read(self, version: FileVersion, note: Callable[[Callable[[], Parsed]], None]) -> None:
        """Read a landed content; `_wait` calls `note` with what gives the result, in the order of reading."""
        landed = landed_copy(self.settings, version)
        read = partial(parse, self.settings, version)
        is_small = not landed.exists() or landed.stat().st_size <= SMALL_BYTES
        self.notes.append(partial(note, self.readers.submit(read).result if is_small else read))

    def _content(self, item: DumpFile) -> str | None:
        """SHA-256 of the content, landed first if needed; `None`, with a warning, if there is none."""
        is_known = item.known and item.cause in (Cause.DECLARATION, Cause.MISSING)
        if item.known and is_known and is_landed(self.settings, item.known):
            return item.known.sha256
        if item.dump is None:
            self.report.warnings.append(
                f"{item.file} has to be read again, but neither landing nor the dumps have it intact."
                " Put the dump back."
            )
            return None
        try:
            check_size(item.file, item.dump.hint.size or 0)
            with self.place.open(item.dump) as stream:
                landed = land(stream, self.settings.landing, item.source_id, item.file, self._take_out(item))
            self.files += landed.unflushed
        except (UnreadableDump, DumpsUnreachable) as error:
            self.report.warnings.append(str(error))
            return None
        except (FileNotFoundError, PermissionError) as error:
            # Of anything but the dump itself it is no news for people, but a crash.
            if str(error.filename) != item.dump.address:
                raise
            self.report.warnings.append(
                f"{item.file} cannot be opened: {error.strerror}. The next pull tries again."
            )
            return None
        listed = item.dump.hint.size
        if listed not in (None, landed.size) or not self.place.is_as_listed(item.dump):
            self.report.warnings.append(
                f"{item.file} changed while it was copied ({listed} bytes listed, {landed.size} came)."
                " The next pull reads it again."
            )
            return None
        return landed.sha256

    def _take_out(self, item: DumpFile) -> Callable[[Path, str], None] | None:
        """A filter that removes erased people from a dump before it is landed; `None` if nobody is erased."""
        if not read_erased(self.settings).erasures:
            return None

        def take_out(incoming: Path, sha256: str) -> None:
            search = search_in(read_erased(self.settings), self.source, item.table_name)
            take_out_of_landing(self.settings, self.manifest, search, incoming, (item.file, sha256))

        return take_out

    def _version(self, item: DumpFile, sha256: str) -> FileVersion:
        """File version of a content; without a load date in name and declaration it keeps its first."""
        table = self.source.tables[item.table_name]
        match = table.match(item.file)
        load_date = item.load_date
        if (match is None or match.load_date is None) and self.source.load_date is None:
            came = (version.load_date for version in self.deliveries.versions if version.sha256 == sha256)
            load_date = next(came, load_date)
        return FileVersion(
            source_id=item.source_id,
            table_name=item.table_name,
            file=item.file,
            load_date=load_date,
            version=table.version(item.table_name, sha256),
            sha256=sha256,
            declaration=table.declaration,
            rewritten=self.manifest.rewritten(item.source_id, item.file, sha256),
        )

    def _note_restored(self, read: Callable[[], Parsed]) -> None:
        self.files += read().files

    def _note(self, version: FileVersion, hint: Hint | None, read: Callable[[], Parsed]) -> None:
        try:
            parsed = read()
        except UnreadableDump as error:
            version = replace(version, state=State.REFUSED, reason=str(error))
            self.report.refused.append(version)
        else:
            version = replace(version, row_count=parsed.row_count, unreadable_count=parsed.unreadable_count)
            self.files += parsed.files
            self.report.arrived.append(version)
        self.changes.append(partial(self.manifest.add, version, hint))
        if not version.is_readable and (erased := read_erased(self.settings)).erasures:
            search = search_in(erased, self.source, version.table_name)
            landed = landed_copy(self.settings, version)
            self.discards.append(partial(discard_unreadable, search, landed, version.file))
        twin = self.contents.setdefault(_content_key(version), version.file)
        if twin != version.file and version.is_readable:
            self.report.warnings.append(
                f"{version.file} holds the same bytes as {twin}. Both are read; rows without a key of their"
                " own count twice. If one of them is a mistake, deliver an empty file under its name."
            )


def _content_key(version: FileVersion) -> tuple[str, date, str]:
    return version.table_name, version.load_date, version.sha256
