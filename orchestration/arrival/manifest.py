"""The load manifest: which version of which file arrived, and what was decided about it.

One SQLite file, one transaction for each step: a killed process leaves it as before or as after.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

from orchestration.arrival.file_versions import (
    FileVersion,
    Hint,
    Load,
    LoadMeasures,
    Rewritten,
    State,
    effective_versions,
    latest_versions,
    loads_of,
    stale_reason,
)
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings
from orchestration.core.versions import migrate

__all__ = [
    "FileVersion",
    "Hint",
    "Load",
    "LoadManifest",
    "LoadMeasures",
    "State",
    "effective_versions",
    "latest_versions",
    "loads_of",
    "require_manifest",
    "retired_before",
    "stale_reason",
]

SCHEMA = """
create table if not exists file_versions (
    version_id integer primary key,
    source_id text not null,
    table_name text not null,
    file text not null,
    load_date text not null,
    version text not null,
    sha256 text not null,
    declaration text not null,
    row_count integer,
    unreadable_count integer not null,
    state text not null,
    reason text,
    decision integer,
    judged_by text
) strict;
create index if not exists file_versions_of_source on file_versions (source_id, file);
create index if not exists file_versions_of_load on file_versions (source_id, load_date);
create table if not exists hints (
    source_id text not null, file text not null, size integer, changed text not null,
    primary key (source_id, file)
) strict;
create table if not exists first_pulls (
    source_id text not null, sha256 text not null, load_date text not null,
    primary key (source_id, sha256)
) strict;
create table if not exists load_measures (
    source_id text not null, table_name text not null, load_date text not null, measures text not null,
    primary key (source_id, table_name, load_date)
) strict;
"""
# The states of landed bytes without erased persons; the last one is the present one, or about to be.
REWRITTEN = """
create table rewritten (
    rewrite_id integer primary key,
    source_id text not null,
    file text not null,
    sha256 text not null,
    landed_sha256 text not null,
    erased text not null,
    unique (source_id, file, sha256, landed_sha256)
) strict
"""
# First day that each retirement left, and the file versions and records that it took.
RETIREMENTS = """
create table retirements (
    source_id text not null,
    kept_from text not null,
    retired_at text not null,
    files integer not null,
    records integer not null,
    primary key (source_id, kept_from)
) strict
"""
FORMATS = (SCHEMA, REWRITTEN, RETIREMENTS)
COLUMNS = (
    "source_id, table_name, file, load_date, version, sha256, declaration, row_count, unreadable_count,"
    " state, reason, decision, judged_by"
)

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def require_manifest(settings: Settings) -> None:
    """Refuse to go on without the manifest of what has landed: a new one would forget every decision.

    Raises EnvironmentStop when landing holds dumps and the manifest is gone or empty.
    """
    if not _is_there(settings) and any(settings.landing.glob("*/*")):
        raise _damaged(settings.manifest, "it is gone or empty, and landing holds dumps")


def retired_before(settings: Settings) -> dict[str, date]:
    """First day that retirements have left, by source. Makes no manifest where there is none."""
    if not _is_there(settings):
        return {}
    with LoadManifest(settings.manifest) as manifest:
        return manifest.retired_before()


def _is_there(settings: Settings) -> bool:
    return settings.manifest.exists() and settings.manifest.stat().st_size > 0


def _damaged(path: Path, how: str) -> EnvironmentStop:
    return EnvironmentStop(
        f"The load manifest {path} is damaged: {how}. Restore it from the backup as described in"
        " docs/runbooks/restore.md; landing, raw and the releases were not touched."
    )


class LoadManifest:
    """The manifest file; opened on creation, closed by `close` or at the end of a `with` block.

    Raises EnvironmentStop, on creation or at the end of the block, when the file is damaged, and on creation
    when a newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        try:
            migrate(self._connection, path, FORMATS)
        except (sqlite3.DatabaseError, EnvironmentStop) as error:
            self.__exit__(type(error), error, None)
            raise

    def __enter__(self) -> LoadManifest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in DAMAGED:
            raise _damaged(self._path, str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, version: FileVersion, hint: Hint | None = None, *, remember_date: bool = False) -> None:
        """Register a file version that came, with the hint it was read under.

        A refused one is decided at once. `remember_date` keeps its load date for this content.
        """
        with self.transaction():
            if version.state is not State.ARRIVED:
                version = replace(version, decision=self._next_decision())
            values = (
                version.source_id,
                version.table_name,
                version.file,
                version.load_date.isoformat(),
                version.version,
                version.sha256,
                version.declaration,
                version.row_count,
                version.unreadable_count,
                version.state,
                version.reason,
                version.decision,
                version.judged_by,
            )
            marks = ", ".join("?" * len(values))
            self._connection.execute(f"insert into file_versions ({COLUMNS}) values ({marks})", values)
            if remember_date:
                self._connection.execute(
                    "insert or ignore into first_pulls values (?, ?, ?)",
                    (version.source_id, version.sha256, version.load_date.isoformat()),
                )
            if hint:
                self._write_hint(version.source_id, version.file, hint)

    def remember(self, source_id: str, file: str, hint: Hint) -> None:
        """Keep the hint of a file whose content turned out to be known."""
        with self.transaction():
            self._write_hint(source_id, file, hint)

    def decide(
        self,
        version_ids: Iterable[int],
        state: State,
        reason: str | None,
        judged_by: str | None = None,
        measured: Iterable[LoadMeasures] = (),
    ) -> None:
        """Accept or refuse file versions as one step, and keep what was measured of an accepted load.

        One that is refused again keeps its place in the order of decisions: it has been in the way all along.
        """
        with self.transaction():
            decision = self._next_decision()
            self._connection.executemany(
                "update file_versions set reason = ?, judged_by = ?,"
                " decision = case when state = ? then coalesce(decision, ?) else ? end,"
                " state = ? where version_id = ?",
                [
                    (reason, judged_by, state, decision, decision, state, version_id)
                    for version_id in version_ids
                ],
            )
            self._connection.executemany(
                "insert or replace into load_measures values (?, ?, ?, ?)",
                [
                    (load.source_id, load.table_name, load.load_date.isoformat(), json.dumps(load.measures))
                    for load in measured
                ],
            )

    def retire(self, source_id: str, kept_from: date, versions: Sequence[FileVersion]) -> None:
        """Note that these versions are retired, since they are of days before `kept_from`."""
        with self.transaction():
            self._connection.executemany(
                "update file_versions set state = ?, reason = ? where version_id = ?",
                [(State.RETIRED, f"of days before {kept_from}", version.version_id) for version in versions],
            )
            records = sum((version.row_count or 0) + version.unreadable_count for version in versions)
            self._connection.execute(
                "insert into retirements values (?, ?, ?, ?, ?) on conflict do update"
                " set files = files + excluded.files, records = records + excluded.records",
                (
                    source_id,
                    kept_from.isoformat(),
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    len(versions),
                    records,
                ),
            )

    def retired_before(self) -> dict[str, date]:
        """First day that retirements have left, by source; nothing of a source without one."""
        rows = self._connection.execute("select source_id, max(kept_from) from retirements group by 1")
        return {source_id: date.fromisoformat(day) for source_id, day in rows}

    def measures(self, source_id: str, table_name: str) -> dict[date, dict[str, float | None]]:
        """What was measured of the accepted loads of a table, by load date."""
        rows = self._connection.execute(
            "select load_date, measures from load_measures where source_id = ? and table_name = ?",
            (source_id, table_name),
        )
        return {date.fromisoformat(day): json.loads(measures) for day, measures in rows}

    def versions(self, source_id: str) -> list[FileVersion]:
        """All file versions of a source, in the order they arrived."""
        rows = self._connection.execute(
            f"select {COLUMNS}, version_id from file_versions where source_id = ? order by version_id",
            (source_id,),
        )
        return self._with_rewritten(source_id, map(_file_version, rows))

    def versions_of_load(self, source_id: str, load_date: date) -> list[FileVersion]:
        """Latest version of each file of a load."""
        rows = self._connection.execute(
            f"select {COLUMNS}, max(version_id) from file_versions where source_id = ? and file in"
            " (select file from file_versions where source_id = ? and load_date = ?) group by file",
            (source_id, source_id, load_date.isoformat()),
        )
        versions = (version for version in map(_file_version, rows) if version.load_date == load_date)
        return self._with_rewritten(source_id, versions)

    def rewritten(self, source_id: str) -> dict[tuple[str, str], tuple[Rewritten, ...]]:
        """States of landed copies without erased persons, by file and checksum of the dump; oldest first."""
        rows = self._connection.execute(
            "select file, sha256, landed_sha256, erased from rewritten"
            " where source_id = ? order by rewrite_id",
            (source_id,),
        )
        states: dict[tuple[str, str], tuple[Rewritten, ...]] = {}
        for file, sha256, landed, erased in rows:
            state = Rewritten(landed, tuple(json.loads(erased)))
            states[file, sha256] = (*states.get((file, sha256), ()), state)
        return states

    def rewrite(self, source_id: str, file: str, sha256: str, state: Rewritten) -> None:
        """Note a state of a landed copy before it is made: its bytes are known, whenever a kill comes."""
        with self.transaction():
            self._connection.execute(
                "insert or replace into rewritten (source_id, file, sha256, landed_sha256, erased)"
                " values (?, ?, ?, ?, ?)",
                (source_id, file, sha256, state.sha256, json.dumps(state.erased)),
            )

    def count_again(self, version_id: int, row_count: int, unreadable_count: int) -> None:
        """Note the rows that a version has left after an erasure."""
        with self.transaction():
            self._connection.execute(
                "update file_versions set row_count = ?, unreadable_count = ? where version_id = ?",
                (row_count, unreadable_count, version_id),
            )

    def _with_rewritten(self, source_id: str, versions: Iterable[FileVersion]) -> list[FileVersion]:
        states = self.rewritten(source_id)
        if not states:
            return list(versions)
        return [
            replace(version, rewritten=states.get((version.file, version.sha256), ())) for version in versions
        ]

    def hints(self, source_id: str) -> dict[str, Hint]:
        """Last hint of each file of a source."""
        rows = self._connection.execute(
            "select file, size, changed from hints where source_id = ?", (source_id,)
        )
        return {file: Hint(size, changed) for file, size, changed in rows}

    def first_pull(self, source_id: str, sha256: str) -> date | None:
        """Load date remembered for a content, `None` for one that never came."""
        row = self._connection.execute(
            "select load_date from first_pulls where source_id = ? and sha256 = ?", (source_id, sha256)
        ).fetchone()
        return date.fromisoformat(row[0]) if row else None

    def loads(self, source_id: str) -> list[Load]:
        """All loads of a source by load date."""
        return loads_of(self.versions(source_id))

    def source_ids(self) -> list[str]:
        """Sources that ever delivered something."""
        rows = self._connection.execute("select distinct source_id from file_versions order by 1")
        return [source_id for (source_id,) in rows]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make several changes one step: all of them, or, where the block raises or is killed, none."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            # A full disk has ended the transaction already.
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def _next_decision(self) -> int:
        row = self._connection.execute("select coalesce(max(decision), 0) + 1 from file_versions").fetchone()
        return int(row[0])

    def _write_hint(self, source_id: str, file: str, hint: Hint) -> None:
        self._connection.execute(
            "insert or replace into hints values (?, ?, ?, ?)", (source_id, file, hint.size, hint.changed)
        )


def _file_version(row: tuple[object, ...]) -> FileVersion:
    names = [name.strip() for name in COLUMNS.split(",")] + ["version_id"]
    values = dict(zip(names, row, strict=True))
    load_date = date.fromisoformat(str(values.pop("load_date")))
    state = State(str(values.pop("state")))
    return FileVersion(**values, load_date=load_date, state=state)  # type: ignore[arg-type]
