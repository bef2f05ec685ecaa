"""Any dump to raw Parquet: declared columns, extra columns, load date, file and record number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.readers.base import (
    Chunk,
    Reader,
    Reject,
    StartAgain,
    check_no_markup,
    numbers_among,
)
from orchestration.arrival.readers.csv_blocks import read_csv
from orchestration.arrival.readers.fixed_width import read_fixed_width
from orchestration.arrival.readers.jsonl import read_jsonl
from orchestration.arrival.readers.parquet import read_parquet
from orchestration.arrival.readers.personal import PersonalColumnHasher
from orchestration.core.atomic import replacing
from orchestration.sources.table import Format, Table

READERS: dict[Format, Reader] = {
    Format.CSV: read_csv,
    Format.JSONL: read_jsonl,
    Format.PARQUET: read_parquet,
    Format.FIXED_WIDTH: read_fixed_width,
}
ADDED: list[pa.Field[Any]] = [
    pa.field("_load_date", pa.date32()),
    pa.field("_file", pa.string()),
    pa.field("_row", pa.int64()),
]
REJECTS = pa.schema([*ADDED[1:], pa.field("raw_text", pa.string()), pa.field("reason", pa.string())])
GROUP_ROWS = 122_880
GROUP_BYTES = 64 << 20


@dataclass(frozen=True)
class Parsed:
    """Records of a dump, those written as rows and those written as rejects, and the files they are in."""

    row_count: int
    unreadable_count: int
    files: tuple[Path, ...] = ()


def raw_schema(table: Table, delivered: pa.Schema) -> pa.Schema:
    """Columns of raw for a dump with the columns `delivered`; a declared one that it lacks is text."""
    declared = table.columns.declared
    fields = [
        delivered.field(name) if name in delivered.names else pa.field(name, pa.string()) for name in declared
    ]
    extra = [delivered.field(name) for name in delivered.names if name not in declared]
    return pa.schema([*(field.with_nullable(True).remove_metadata() for field in [*fields, *extra]), *ADDED])


def parse_to_parquet(
    table: Table,
    landed: Path,
    file: str,
    load_date: date,
    *,
    parsed: Path,
    rejects: Path,
    erased: Sequence[int] = (),
    salt: bytes = b"",
) -> Parsed:
    """Read the dump `landed`, called `file`, into the Parquet files `parsed` and `rejects`.

    Memory is bounded by a row group. Both files appear whole; `rejects` exists only where there are any, and
    `parsed` comes last, so that it vouches for both once they are flushed, which is left to the caller:
    `Parsed.files`. `erased` are the numbers, in order, of the records that
    `landed` lacks since they are erased: the others keep the numbers that they were delivered with.

    Raises:
        UnreadableDump: the dump cannot be read as a whole; nothing is written.
    """
    check_no_markup(landed, file)
    read = READERS[table.format]
    while True:
        chunks = _numbered_as_delivered(read(landed, file, table), erased)
        hashed = map(PersonalColumnHasher(table, salt).over, chunks)
        try:
            return _write(hashed, table, file, load_date, parsed=parsed, rejects=rejects)
        except StartAgain as again:
            read = again.reader


def _numbered_as_delivered(chunks: Iterator[Chunk], erased: Sequence[int]) -> Iterator[Chunk]:
    if not erased:
        yield from chunks
        return
    gone = np.array(erased, dtype=np.int64)
    for chunk in chunks:
        unreadable = np.array([reject.row for reject in chunk.rejects], dtype=np.int64)
        numbers = numbers_among(unreadable, gone).tolist()
        rejects = [replace(reject, row=row) for reject, row in zip(chunk.rejects, numbers, strict=True)]
        yield Chunk(chunk.batch, numbers_among(chunk.rows, gone), rejects)


def _write(
    chunks: Iterator[Chunk], table: Table, file: str, load_date: date, *, parsed: Path, rejects: Path
) -> Parsed:
    row_count = unreadable_count = 0
    with ExitStack() as stack:

        def groups(path: Path, schema: pa.Schema) -> _Groups:
            part = stack.enter_context(replacing(path, flush=False))
            return stack.enter_context(_Groups(part, schema))

        first = next(chunks)
        schema = raw_schema(table, first.batch.schema)
        rows, unreadable = groups(parsed, schema), None
        for chunk in chain([first], chunks):
            rows.add(_raw_batch(chunk, schema, file, load_date))
            row_count += chunk.batch.num_rows
            if chunk.rejects:
                unreadable = unreadable or groups(rejects, REJECTS)
                unreadable.add(_reject_batch(chunk.rejects, file))
                unreadable_count += len(chunk.rejects)
        if unreadable is None:
            rejects.unlink(missing_ok=True)
    return Parsed(row_count, unreadable_count, (parsed, rejects) if unreadable else (parsed,))


def _reject_batch(rejects: list[Reject], file: str) -> pa.RecordBatch:
    rows = [
        {"_file": file, "_row": one.row, "raw_text": one.raw_text, "reason": one.reason} for one in rejects
    ]
    return pa.RecordBatch.from_pylist(rows, schema=REJECTS)


def _raw_batch(chunk: Chunk, schema: pa.Schema, file: str, load_date: date) -> pa.RecordBatch:
    count = chunk.batch.num_rows
    added: dict[str, pa.Array[Any]] = {
        "_load_date": pa.repeat(pa.scalar(load_date, pa.date32()), count),
        "_file": pa.repeat(pa.scalar(file, pa.string()), count),
        "_row": pa.array(chunk.rows),
    }
    delivered = chunk.batch.schema.names
    arrays = [
        added[field.name]
        if field.name in added
        else chunk.batch.column(field.name)
        if field.name in delivered
        else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


class _Groups:
    """A Parquet file written in row groups of a bounded size."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        # A small limit gives up early on dictionaries of keys, which only cost time.
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            dictionary_pagesize_limit=1 << 17,
            # The stubs know only the flag, not the list of columns.
            use_dictionary=[name for name in schema.names if name != "_row"],
            column_encoding={"_row": "DELTA_BINARY_PACKED"},
        )
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def __enter__(self) -> _Groups:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch; write the group when it is full."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema).combine_chunks())
        self._waiting = []
        self._rows = self._bytes = 0
