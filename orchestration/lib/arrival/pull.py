"""Pull: find dumps that are new or changed, land them, read them, register them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from orchestration.lib.arrival.dumps import Dump, Dumps, open_dumps
from orchestration.lib.arrival.file_versions import FileVersion, Hint, State, latest_versions
from orchestration.lib.arrival.landing import check_size, land, landed_path
from orchestration.lib.arrival.manifest import LoadManifest, require_manifest
from orchestration.lib.arrival.parsed import find_parsed, is_landed, parse
from orchestration.lib.arrival.readers import UnreadableDump
from orchestration.lib.erasure.erased import read_erased
from orchestration.lib.erasure.landed import discard_unreadable, search_in, take_out_of_landing
from orchestration.lib.person_key import require_person_key
from orchestration.lib.redact import refuse_credentials
from orchestration.lib.sources.calendar import EARLIEST_LOAD_DATE
from orchestration.lib.sources.source import ConfigurationError, Source
from orchestration.settings import Settings


class Cause(StrEnum):
    """Why a dump has to be worked on."""

    NEW = "new"
    CHANGED = "changed"
    DECLARATION = "declaration"
    MISSING = "missing"


@dataclass(frozen=True)
class DumpFile:
    """A dump to work on. `dump` is `None` where landing has it already and the dumps are not needed.

    The load date of a changed dump without a date in its name is the pull's day, until its checksum turns out
    to be known.
    """

    source_id: str
    table_name: str
    file: str
    load_date: date
    cause: Cause
    dump: Dump | None
    known: FileVersion | None


@dataclass
class PullReport:
    """What a pull did: versions that came or cannot be read, files without news, warnings for people."""

    source_id: str
    arrived: list[FileVersion] = field(default_factory=list)
    refused: list[FileVersion] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def load_dates(self) -> list[date]:
        """Load dates on which something arrived or was refused, in order: the loads to decide about."""
        return sorted({version.load_date for version in [*self.arrived, *self.refused]})


def discover(settings: Settings, source: Source, dumps: str | None, today: date) -> list[DumpFile]:
    """List the dumps that a pull would work on, by load date and name; no dump is read.

    Raises:
        ConfigurationError: the source has no place for dumps, or there is nothing at it.
    """
    require_manifest(settings)
    source = _salted(settings, source)
    with LoadManifest(settings.manifest) as manifest:
        return _survey(settings, manifest, source, _place(source, dumps), today)[0]


def holds_dumps(source: Source, place: str) -> bool:
    """Whether any file at a place belongs to a table of the source. Raises what `_place` does."""
    return any(source.match(dump.name) for dump in _place(source, place).files()[0])


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

    Safe to repeat at any time: a dump is registered after it is landed and read, and a killed pull only
    leaves work for the next. One pull of a source at a time.

    Raises:
        ConfigurationError: the source has no place for dumps, or there is nothing at it.
    """
    require_manifest(settings)
    source = _salted(settings, source)
    report = PullReport(source.source_id)
    place = _place(source, dumps)
    with LoadManifest(settings.manifest) as manifest:
        work, report.warnings = _survey(settings, manifest, source, place, today)
        if read_erased(settings).erasures:
            # A table that tells whose a document is comes before those that name the document alone.
            work.sort(key=lambda item: (item.load_date, list(source.tables).index(item.table_name)))
        latest = latest_versions(manifest.versions(source.source_id)).values()
        contents = {_content_key(version): version.file for version in latest}
        pull_one = _Pull(settings, manifest, source, place, report, contents)
        for item in work:
            is_asked = only is None or item.file in only
            if is_asked and (load_dates is None or item.load_date in load_dates):
                pull_one.take(item)
    return report


def _salted(settings: Settings, source: Source) -> Source:
    """With another salt the same dumps are other rows: they are read again from landing."""
    if not source.has_personal_columns:
        return source
    return source.salted(require_person_key(settings).fingerprint)


def _place(source: Source, dumps: str | None) -> Dumps:
    location = dumps or source.dumps
    if not location:
        raise ConfigurationError(
            f"source {source.source_id} does not say where its dumps lie. Name the place with --dumps,"
            " or add `dumps` to its entry in the sources file."
        )
    if dumps:
        # The place is stored with the run, and the command by the shell.
        refuse_credentials(dumps, "The place that was named for the dumps")
    return open_dumps(location)


def _survey(
    settings: Settings, manifest: LoadManifest, source: Source, place: Dumps, today: date
) -> tuple[list[DumpFile], list[str]]:
    """Compare listing and manifest: the dumps to work on, and warnings."""
    hints = manifest.hints(source.source_id)
    latest = latest_versions(manifest.versions(source.source_id))
    dumps, warnings = place.files()
    work = []
    for dump in dumps:
        found = source.match(dump.name)
        if found is None:
            warnings.append(f"{dump.name} matches no table of {source.source_id} and is not read.")
            continue
        known = latest.get(dump.name)
        if known is None or hints.get(dump.name) != dump.hint:
            day = found[1].load_date or source.load_date or today
            if day < EARLIEST_LOAD_DATE:
                warnings.append(f"{dump.name} is of {day}, before {EARLIEST_LOAD_DATE}, and is not read.")
                continue
            if day > today:
                warnings.append(f"{dump.name} is of {day}, which is still to come, and waits until then.")
                continue
            cause = Cause.CHANGED if known else Cause.NEW
            work.append(DumpFile(source.source_id, found[0], dump.name, day, cause, dump, known))
    listed = {dump.name: dump for dump in dumps}
    fetched = {item.file for item in work}
    for known in latest.values():
        if known.file not in fetched:
            work.extend(_from_landing(settings, source, known, listed.get(known.file)))
    return sorted(work, key=lambda item: (item.load_date, item.file)), warnings


def _from_landing(
    settings: Settings, source: Source, known: FileVersion, dump: Dump | None
) -> Iterator[DumpFile]:
    """Work on a known content: its table is declared differently now, or its Parquet is gone."""
    found = source.match(known.file)
    if found is None:
        return
    table_name, match = found
    day = match.load_date or source.load_date or known.load_date
    identity = table_name, source.tables[table_name].version(table_name, known.sha256), day
    if identity != known.identity:
        yield DumpFile(source.source_id, table_name, known.file, day, Cause.DECLARATION, dump, known)
    elif known.is_readable and find_parsed(settings, known) is None:
        yield DumpFile(source.source_id, table_name, known.file, day, Cause.MISSING, dump, known)


@dataclass(frozen=True)
class _Pull:
    """Work on one dump after another, noted in the report."""

    settings: Settings
    manifest: LoadManifest
    source: Source
    place: Dumps
    report: PullReport
    contents: dict[tuple[str, date, str], str]

    def take(self, item: DumpFile) -> None:
        """Land, read and register a dump, as far as it holds anything new."""
        sha256 = self._content(item)
        if sha256 is None:
            return
        hint = item.dump.hint if item.dump else None
        version, is_first_pull = self._version(item, sha256)
        if item.known is None or item.known.identity != version.identity:
            self._register(version, hint, is_first_pull)
            return
        if item.known.is_readable and find_parsed(self.settings, item.known) is None:
            parse(self.settings, item.known)
            self.report.restored.append(item.file)
        else:
            self.report.unchanged.append(item.file)
        if hint:
            self.manifest.remember(item.source_id, item.file, hint)

    def _content(self, item: DumpFile) -> str | None:
        """SHA-256 of the content, landed first where that is needed; `None`, with a warning, without one."""
        is_known = item.known and item.cause in (Cause.DECLARATION, Cause.MISSING)
        if item.known and is_known and is_landed(self.settings, item.known):
            return item.known.sha256
        if item.dump is None:
            self.report.warnings.append(
                f"{item.file} has to be read again, but neither landing nor the dumps have it whole."
                " Put the dump back."
            )
            return None
        try:
            check_size(item.file, item.dump.hint.size or 0)
            with self.place.open(item.dump) as stream:
                landed = land(stream, self.settings.landing, item.source_id, item.file, self._take_out(item))
        except UnreadableDump as error:
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
        """What takes erased persons out of a dump before it is in landing; `None` while nobody is."""
        if not read_erased(self.settings).erasures:
            return None

        def take_out(incoming: Path, sha256: str) -> None:
            search = search_in(read_erased(self.settings), self.source, item.table_name)
            take_out_of_landing(self.settings, self.manifest, search, incoming, (item.file, sha256))

        return take_out

    def _version(self, item: DumpFile, sha256: str) -> tuple[FileVersion, bool]:
        """File version of a content, and whether the day of its first pull is its load date."""
        table = self.source.tables[item.table_name]
        match = table.match(item.file)
        is_first_pull = (match is None or match.load_date is None) and self.source.load_date is None
        remembered = self.manifest.first_pull(item.source_id, sha256) if is_first_pull else None
        version = FileVersion(
            source_id=item.source_id,
            table_name=item.table_name,
            file=item.file,
            load_date=remembered or item.load_date,
            version=table.version(item.table_name, sha256),
            sha256=sha256,
            declaration=table.declaration,
            rewritten=self.manifest.rewritten(item.source_id).get((item.file, sha256), ()),
        )
        return version, is_first_pull

    def _register(self, version: FileVersion, hint: Hint | None, is_first_pull: bool) -> None:
        """Read a landed content and put it into the manifest, refused where it cannot be read."""
        try:
            parsed = parse(self.settings, version)
        except UnreadableDump as error:
            version = replace(version, state=State.REFUSED, reason=str(error))
            self.report.refused.append(version)
        else:
            version = replace(version, row_count=parsed.row_count, unreadable_count=parsed.unreadable_count)
            self.report.arrived.append(version)
        self.manifest.add(version, hint, remember_date=is_first_pull)
        if not version.is_readable and (erased := read_erased(self.settings)).erasures:
            search = search_in(erased, self.source, version.table_name)
            landed = landed_path(self.settings.landing, version.source_id, version.sha256, version.file)
            discard_unreadable(search, landed, version.file)
        twin = self.contents.setdefault(_content_key(version), version.file)
        if twin != version.file and version.is_readable:
            self.report.warnings.append(
                f"{version.file} holds the same bytes as {twin}. Both are read; rows without a key of their"
                " own count twice. If one is a slip, deliver an empty file under its name."
            )


def _content_key(version: FileVersion) -> tuple[str, date, str]:
    return version.table_name, version.load_date, version.sha256
