"""Unreadable and rejected rows in one relation, from files that no writer locks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import FileVersion
from orchestration.arrival.parsed import parsed_path
from orchestration.build.rejects import kept_rejects, read_kept
from orchestration.core.database import connect
from orchestration.core.settings import Settings

READING, STAGING = "reading", "staging"
REJECTS = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("found_in", pa.string()),
        ("reason", pa.string()),
        ("load_date", pa.date32()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("text", pa.string()),
    ]
)
# Columns that the files of rejects call otherwise.
NAMES = {"reason": "reason", "_file": "file", "_row": "row"}
SUMMARY = """
    select
        source, entity, found_in, reason, count(*) as rows,
        min(load_date) as first_load, max(load_date) as last_load,
        arg_max({'file': file, 'row': row}, (load_date, file, -row)) as example
    from found
    group by source, entity, found_in, reason
    order by rows desc, source, entity, found_in, reason
"""


@dataclass(frozen=True)
class Selection:
    """Rejects of a source (None: all), of reasons that hold a text (capitals do not count), of files."""

    source: str | None = None
    reason: str | None = None
    files: Mapping[str, Collection[str]] | None = None


@dataclass(frozen=True)
class Rejects:
    """Found rejects, with the columns of `REJECTS`."""

    table: pa.Table

    @property
    def count(self) -> int:
        """Number of rejects."""
        return int(self.table.num_rows)

    def files(self) -> dict[str, set[str]]:
        """Names of the files that hold them, by source."""
        found = self._query("select source, list(distinct file) from found group by source")
        return {source: set(files) for source, files in found}

    def by_reason(self) -> dict[tuple[str, ...], int]:
        """Number by source, table or entity, where they were found, and reason."""
        found = self._query("select source, entity, found_in, reason, count(*) from found group by all")
        return {tuple(key): count for *key, count in found}

    def summary(self) -> list[tuple[object, ...]]:
        """One row per reason, most frequent first; the example is the first row of its latest file."""
        return [(*row, example["file"], example["row"]) for *row, example in self._query(SUMMARY)]

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with connect() as connection:
            connection.register("found", self.table)
            return connection.execute(sql).fetchall()

    def rows(self, limit: int | None = None) -> Iterator[dict[str, object]]:
        """The rejects by source, file and row, at most `limit`."""
        order = [(name, "ascending") for name in ("source", "file", "row", "entity")]
        yield from self.table.sort_by(order).slice(0, limit).to_pylist()


def find_rejects(settings: Settings, selection: Selection, *, with_text: bool = False) -> Rejects:
    """Rejects of the latest reading of each file, and of staging in the last build that came so far.

    `text` is NULL unless asked for. Blocks nobody and waits for nobody: a file that a run replaces in this
    moment is left out.
    """
    parts = [_unreadable(settings, version, with_text) for version in _versions(settings)]
    if kept_rejects(settings).exists():
        names = {"source_id": "source", "entity": "entity", "_load_date": "load_date", **NAMES}
        names |= {"raw_row": "text"} if with_text else {}
        staged = read_kept(kept_rejects(settings), list(names)).rename_columns(names)
        parts.append(_with_constants(staged, found_in=STAGING))
    found = pa.concat_tables([REJECTS.empty_table(), *parts], promote_options="permissive")
    return Rejects(_selected(found.cast(REJECTS), selection))


def _versions(settings: Settings) -> list[FileVersion]:
    return [
        version
        for deliveries in read_arrival(settings, {}).deliveries.values()
        for version in deliveries.latest.values()
        if version.unreadable_count
    ]


def _unreadable(settings: Settings, version: FileVersion, with_text: bool) -> pa.Table:
    names = NAMES | ({"raw_text": "text"} if with_text else {})
    path = parsed_path(settings.rejects, version)
    try:
        found = pq.read_table(path, columns=list(names), partitioning=None).rename_columns(names)
    except FileNotFoundError:
        return REJECTS.empty_table()
    return _with_constants(
        found,
        source=version.source_id,
        entity=version.table_name,
        found_in=READING,
        load_date=version.load_date,
    )


def _with_constants(found: pa.Table, **constants: object) -> pa.Table:
    for name, value in constants.items():
        found = found.append_column(name, pa.repeat(value, found.num_rows))
    return found


def _selected(found: pa.Table, selection: Selection) -> pa.Table:
    if selection.source is not None:
        found = found.filter(pc.equal(found["source"], selection.source))
    if selection.reason is not None:
        found = found.filter(pc.match_substring(found["reason"], selection.reason, ignore_case=True))
    if selection.files is not None:
        pairs = zip(found["source"].to_pylist(), found["file"].to_pylist(), strict=True)
        asked = [file in selection.files.get(source, ()) for source, file in pairs]
        found = found.filter(pa.array(asked, pa.bool_()))
    return found
