"""The load manifest: which version of which file arrived, and what was decided about it.

One SQLite file, one transaction for each step: a killed process leaves it as before or as after.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

from orchestration.arrival.file_versions import Deliveries, FileVersion, Hint, Rewritten, State
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings
from orchestration.core.versions import migrate

SCHEMA = """
create table file_versions (
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
    judged_by text,
    decided_at text
) strict;
create index file_versions_of_source on file_versions (source_id, file);
create index file_versions_of_load on file_versions (source_id, load_date);
create table hints (
    source_id text not null, file text not null, size integer, changed text not null,
    primary key (source_id, file)
) strict;
create table load_measures (
    source_id text not null, table_name text not null, load_date text not null, measures text not null,
    primary key (source_id, table_name, load_date)
) strict;
-- The states of landed bytes without erased persons. The last one is the present one, or about to be.
create table rewritten (
    rewrite_id integer primary key,
    source_id text not null,
    file text not null,
    sha256 text not null,
    landed_sha256 text not null,
    erased text not null,
    unique (source_id, file, sha256, landed_sha256)
) strict;
-- First day that retirements have left.
create table retired_before (source_id text primary key, kept_from text not null) strict
"""
FORMAT = 5
# The first load date of a content follows from its file versions, and so does what a retirement took.
UPGRADES = {
    3: "drop table first_pulls;"
    "create table retired_before (source_id text primary key, kept_from text not null) strict;"
    "insert into retired_before select source_id, max(kept_from) from retirements group by 1;"
    "drop table retirements",
    4: "alter table file_versions add column decided_at text",
}
COLUMNS = [field.name for field in fields(FileVersion) if field.name not in ("version_id", "rewritten")]
ADD = f"insert into file_versions ({', '.join(COLUMNS)}) values ({', '.join(f':{name}' for name in COLUMNS)})"

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def require_manifest(settings: Settings) -> None:
    """Refuse to go on without the manifest of what has landed: a new one would forget every decision.

    Raises EnvironmentStop when landing holds dumps and the manifest is gone or empty.
    """
    if not is_there(settings) and any(settings.landing.glob("*/*")):
        raise _damaged(settings.manifest, "it is gone or empty, and landing holds dumps")


def is_there(settings: Settings) -> bool:
    """Whether anything was ever written to the manifest."""
    return settings.manifest.exists() and settings.manifest.stat().st_size > 0


def _damaged(path: Path, how: str) -> EnvironmentStop:
    return EnvironmentStop(
        f"The load manifest {path} is damaged: {how}. Restore it from the backup as described in"
        " docs/runbooks/restore.md; landing, raw and the releases were not touched."
    )


class LoadManifest:
    """The manifest file; opened on creation, closed by `close` or at the end of a `with` block.

    Raises EnvironmentStop, on creation or at the end of the block, when the file is damaged, and on creation
    when it has a format of another program.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        self._connection.row_factory = sqlite3.Row
        try:
            migrate(self._connection, path, FORMAT, SCHEMA, UPGRADES)
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

    def add(self, version: FileVersion, hint: Hint | None = None) -> None:
        """Register a file version that came, with the hint it was read under; a refused one is decided."""
        with self.transaction():
            if version.state is not State.ARRIVED:
                version = replace(version, decision=self._next_decision(), decided_at=_now())
            self._connection.execute(ADD, {**vars(version), "load_date": version.load_date.isoformat()})
            if hint:
                self.remember(version.source_id, version.file, hint)

    def remember(self, source_id: str, file: str, hint: Hint) -> None:
        """Keep the hint of a file whose content is known."""
        with self.transaction():
            self._connection.execute(
                "insert or replace into hints values (?, ?, ?, ?)", (source_id, file, hint.size, hint.changed)
            )

    def decide(
        self, version_ids: Iterable[int], state: State, reason: str | None, judged_by: str | None = None
    ) -> None:
        """Accept or refuse file versions as one step.

        One that is refused again keeps its place in the order of decisions: it has been in the way all along.
        """
        with self.transaction():
            decision, now = self._next_decision(), _now()
            self._connection.executemany(
                "update file_versions set reason = ?, judged_by = ?,"
                " decision = case when state = ? then coalesce(decision, ?) else ? end,"
                " decided_at = case when state = ? then coalesce(decided_at, ?) else ? end,"
                " state = ? where version_id = ?",
                [
                    (reason, judged_by, state, decision, decision, state, now, now, state, version_id)
                    for version_id in version_ids
                ],
            )

    def keep_measures(
        self, source_id: str, load_date: date, measures: Mapping[str, Mapping[str, float | None]]
    ) -> None:
        """Keep what the arrival gate measured of an accepted load, by table, as the past of later loads."""
        with self.transaction():
            self._connection.executemany(
                "insert or replace into load_measures values (?, ?, ?, ?)",
                [
                    (source_id, table_name, load_date.isoformat(), json.dumps(measured))
                    for table_name, measured in measures.items()
                ],
            )

    def forget_measures(self, source_id: str, load_date: date) -> None:
        """Take a load out of the past that later loads are judged by: it is not accepted after all."""
        self._connection.execute(
            "delete from load_measures where source_id = ? and load_date = ?",
            (source_id, load_date.isoformat()),
        )

    def retire(self, source_id: str, kept_from: date, versions: Iterable[FileVersion]) -> None:
        """Note that these versions are retired, since they are of days before `kept_from`."""
        with self.transaction():
            self._connection.executemany(
                "update file_versions set state = ?, reason = ? where version_id = ?",
                [(State.RETIRED, f"of days before {kept_from}", version.version_id) for version in versions],
            )
            self._connection.execute(
                "insert or replace into retired_before values (?, ?)", (source_id, kept_from.isoformat())
            )

    def retired_before(self) -> dict[str, date]:
        """First day that retirements have left, by source; nothing of a source without one."""
        rows = self._connection.execute("select source_id, kept_from from retired_before")
        return {source_id: date.fromisoformat(day) for source_id, day in rows}

    def measures(self, source_id: str, table_name: str) -> dict[date, dict[str, float | None]]:
        """What was measured of the accepted loads of a table, by load date."""
        rows = self._connection.execute(
            "select load_date, measures from load_measures where source_id = ? and table_name = ?",
            (source_id, table_name),
        )
        return {date.fromisoformat(day): json.loads(measures) for day, measures in rows}

    def all_deliveries(self) -> dict[str, Deliveries]:
        """What every source that ever delivered something has delivered."""
        rows = self._connection.execute("select distinct source_id from file_versions order by 1")
        return {source_id: self.deliveries(source_id) for (source_id,) in rows.fetchall()}

    def deliveries(self, source_id: str) -> Deliveries:
        """What one source has delivered."""
        rows = self._connection.execute(
            "select file, size, changed from hints where source_id = ?", (source_id,)
        )
        hints = {file: Hint(size, changed) for file, size, changed in rows}
        return Deliveries(tuple(self.versions(source_id)), hints)

    def versions(self, source_id: str) -> list[FileVersion]:
        """All file versions of a source, in the order they arrived."""
        states = self._rewritten("where source_id = ?", source_id)
        rows = self._connection.execute(
            "select * from file_versions where source_id = ? order by version_id", (source_id,)
        )
        return [
            FileVersion(
                **{
                    **row,
                    "load_date": date.fromisoformat(row["load_date"]),
                    "state": State(row["state"]),
                    "rewritten": states.get((source_id, row["file"], row["sha256"]), ()),
                }
            )
            for row in rows
        ]

    def rewritten(self, source_id: str, file: str, sha256: str) -> tuple[Rewritten, ...]:
        """States of the landed copy of a dump without erased persons; oldest first."""
        dump = source_id, file, sha256
        return self._rewritten("where source_id = ? and file = ? and sha256 = ?", *dump).get(dump, ())

    def _rewritten(self, where: str, *values: str) -> dict[tuple[str, str, str], tuple[Rewritten, ...]]:
        states: dict[tuple[str, str, str], tuple[Rewritten, ...]] = {}
        for row in self._connection.execute(f"select * from rewritten {where} order by rewrite_id", values):
            dump = row["source_id"], row["file"], row["sha256"]
            state = Rewritten(row["landed_sha256"], tuple(json.loads(row["erased"])))
            states[dump] = (*states.get(dump, ()), state)
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
