"""Unreadable and rejected rows in one relation, from files that no writer locks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

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
        found: dict[str, set[str]] = {}
        pairs = self.table.select(["source", "file"]).group_by(["source", "file"]).aggregate([])
        for pair in pairs.to_pylist():
            found.setdefault(pair["source"], set()).add(pair["file"])
        return found

    def by_reason(self) -> dict[tuple[str, str, str, str], int]:
        """Number by source, table or entity, where they were found, and reason."""
        keys = ["source", "entity", "found_in", "reason"]
        groups = self.table.group_by(keys).aggregate([([], "count_all")]).to_pylist()
        return {tuple(group[key] for key in keys): group["count_all"] for group in groups}

    def summary(self) -> list[tuple[object, ...]]:
        """One row per reason, most frequent first; the example is the first row of its latest file."""
        with connect() as connection:
            connection.register("found", self.table)
            rows = connection.execute(SUMMARY).fetchall()
        return [(*row, example["file"], example["row"]) for *row, example in rows]

    def rows(self, limit: int | None = None) -> Iterator[dict[str, object]]:
        """The rejects by source, file and row, at most `limit`."""
        order = [(name, "ascending") for name in ("source", "file", "row", "entity")]
        yield from self.table.sort_by(order).slice(0, limit).to_pylist()


def find_rejects(settings: Settings, selection: Selection, *, with_text: bool = False) -> Rejects:
    """Rejects of the latest reading of each file, and of staging as of the last finished build.

    `text` is NULL unless asked for. Blocks nobody and waits for nobody: a file that a run replaces in this
    moment is left out.
    """
    parts = [_unreadable(settings, version, with_text) for version in _versions(settings)]
    if kept_rejects(settings).exists():
        parts.append(_staged(settings, with_text))
    found = pa.concat_tables([part for part in parts if part is not None] or [REJECTS.empty_table()])
    return Rejects(_selected(found, selection))


def _versions(settings: Settings) -> list[FileVersion]:
    return [
        version
        for deliveries in read_arrival(settings, {}).deliveries.values()
        for version in deliveries.latest.values()
        if version.unreadable_count
    ]


def _unreadable(settings: Settings, version: FileVersion, with_text: bool) -> pa.Table | None:
    found = None
    with suppress(FileNotFoundError):
        found = pq.read_table(
            parsed_path(settings.rejects, version),
            columns=["_file", "_row", "reason", *(["raw_text"] if with_text else [])],
            partitioning=None,
        )
    if found is None:
        return None
    return _table(
        found,
        source=pa.scalar(version.source_id),
        entity=pa.scalar(version.table_name),
        found_in=pa.scalar(READING),
        load_date=pa.scalar(version.load_date, pa.date32()),
        text=found["raw_text"] if with_text else None,
    )


def _staged(settings: Settings, with_text: bool) -> pa.Table:
    columns = ["source_id", "entity", "reason", "_load_date", "_file", "_row"]
    found = read_kept(kept_rejects(settings), [*columns, *(["raw_row"] if with_text else [])])
    return _table(
        found,
        source=found["source_id"],
        entity=found["entity"],
        found_in=pa.scalar(STAGING),
        load_date=found["_load_date"],
        text=found["raw_row"] if with_text else None,
    )


def _table(found: pa.Table, **given: object) -> pa.Table:
    """Convert rejects of one kind to the common columns; a scalar applies to every row."""
    columns = {"reason": found["reason"], "file": found["_file"], "row": found["_row"], **given}
    arrays = []
    for field in REJECTS:
        column = columns[field.name]
        if column is None:
            column = pa.nulls(found.num_rows, field.type)
        elif isinstance(column, pa.Scalar):
            column = pa.repeat(column, found.num_rows)
        arrays.append(column.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=REJECTS)


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
