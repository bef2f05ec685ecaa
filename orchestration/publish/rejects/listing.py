"""Unreadable and rejected rows in one relation, from files that no writer locks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import Deliveries, FileVersion, State
from orchestration.arrival.parsed import parsed_path
from orchestration.arrival.trials import raw_texts, read_trial
from orchestration.build.rejects import kept_rejects, kept_versions, read_kept
from orchestration.core.database import connect
from orchestration.core.settings import Settings

# Where rejects are found: `trial` is staging of a file alone, before a build stages it.
READING, STAGING, TRIAL = "reading", "staging", "trial"
REJECTS = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("column", pa.string()),
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
        source, entity, coalesce("column", '') as "column", found_in, reason, count(*) as rows,
        min(load_date) as first_load, max(load_date) as last_load,
        arg_max({'file': file, 'row': row}, (load_date, file, -row)) as example
    from found
    group by source, entity, "column", found_in, reason
    order by rows desc, source, entity, "column", found_in, reason
"""


@dataclass(frozen=True)
class Selection:
    """Rejects of a source (None: all), of reasons that hold a text (capitals do not count), of files, loads.

    `files` are names by source.
    """

    source: str | None = None
    reason: str | None = None
    files: Mapping[str, Collection[str]] | None = None
    loads: Collection[tuple[str, date]] | None = None


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
        """Number by source, table or entity, column (empty: none is named), where they were found, reason."""
        key = "source, entity, coalesce(\"column\", ''), found_in, reason"
        found = self._query(f"select {key}, count(*) from found group by all")
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
    """Rejects of the latest reading of each file, and of staging: in the last build that came so far, or, for
    a file that it did not stage (its load is refused or waits, or a build stopped before), in its trial.

    `text` is NULL unless asked for. Blocks nobody and waits for nobody: a file that a run replaces in this
    moment is left out.
    """
    deliveries = list(read_arrival(settings, {}).deliveries.values())
    latest = [version for known in deliveries for version in known.latest.values()]
    parts = [_unreadable(settings, version, with_text) for version in latest if version.unreadable_count]
    tried, superseded = _not_built(settings, deliveries)
    parts += [_tried(settings, version, with_text) for version in tried]
    if kept_rejects(settings).exists():
        names = {"source_id": "source", "column_name": "column", "_load_date": "load_date", **NAMES}
        names |= {"raw_row": "text"} if with_text else {}
        staged = read_kept(kept_rejects(settings), ["entity", *names])
        # That of an older program has no columns.
        staged = staged.rename_columns([names.get(name, name) for name in staged.column_names])
        staged = staged.filter(pc.invert(_are_among(superseded, staged["source"], staged["file"])))
        parts.append(_with_constants(staged, found_in=STAGING))
    found = pa.concat_tables([REJECTS.empty_table(), *parts], promote_options="permissive")
    return Rejects(_selected(found.cast(REJECTS), selection))


def _not_built(
    settings: Settings, deliveries: Sequence[Deliveries]
) -> tuple[list[FileVersion], set[tuple[str, str]]]:
    """Versions in effect or latest that the build of the kept rejects did not stage; and files (source, name)
    of which it staged another version that is neither.
    """
    in_effect = {version for known in deliveries for version in known.effective.values()}
    latest = {version for known in deliveries for version in known.latest.values()}
    try:
        told = read_kept(kept_versions(settings)).to_pylist()
        built = {(one["source_id"], one["file"]): one["version"] for one in told}
    except FileNotFoundError:
        # Of an older program, or there was no build yet.
        is_built = kept_rejects(settings).exists()
        built = {(v.source_id, v.file): v.version for v in in_effect if is_built}
    present = [version for version in in_effect | latest if version.state is not State.RETIRED]
    missing = [v for v in present if built.get((v.source_id, v.file)) != v.version]
    told_of = {(v.source_id, v.file) for v in set(present) - set(missing)}
    return missing, {(v.source_id, v.file) for v in missing} - told_of


def _tried(settings: Settings, version: FileVersion, with_text: bool) -> pa.Table:
    found = read_trial(settings, version).rename_columns({"_row": "row", "column_name": "column"})
    if with_text and found.num_rows:
        numbers = found["row"].to_pylist()
        texts = raw_texts(settings, version, numbers)
        found = found.append_column("text", pa.array([texts.get(row) for row in numbers], pa.string()))
    return _with_constants(
        found,
        source=version.source_id,
        found_in=TRIAL,
        load_date=version.load_date,
        file=version.file,
    )


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
        files = {(source, file) for source, names in selection.files.items() for file in names}
        found = found.filter(_are_among(files, found["source"], found["file"]))
    if selection.loads is not None:
        loads = {(source, day.isoformat()) for source, day in selection.loads}
        found = found.filter(_are_among(loads, found["source"], found["load_date"].cast(pa.string())))
    return found


def _are_among(pairs: Collection[tuple[str, str]], *columns: pa.ChunkedArray) -> pa.ChunkedArray:
    """For each row, whether the texts of two columns are one of these pairs."""
    # No name holds it.
    between = "\0"
    return pc.is_in(
        pc.binary_join_element_wise(*columns, between),
        value_set=pa.array([between.join(pair) for pair in pairs], pa.string()),
    )
