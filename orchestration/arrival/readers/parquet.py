"""Parquet dumps: columns keep their types, but for those that not every engine reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.readers.base import CHUNK_ROWS, Chunk, UnreadableDump, check_names, column_names
from orchestration.arrival.readers.text import check_expanded
from orchestration.core.database import connect
from orchestration.sources.table import Table


def read_parquet(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read a Parquet dump; it has no rejects: it can be read, or it cannot.

    Raises:
        UnreadableDump: it is not Parquet, is damaged, or lacks a required column.
    """
    following, expanded = 1, 0
    try:
        with pq.ParquetFile(path) as dump:
            delivered = dump.schema_arrow
            names = column_names(file, delivered.names, table)
            check_names(file, names, table)
            fields = [
                field.with_name(name).with_type(portable(field.type))
                for field, name in zip(delivered, names, strict=True)
            ]
            schema = pa.schema(fields, delivered.metadata)
            yield Chunk(pa.RecordBatch.from_pylist([], schema=schema), np.array([], dtype=np.int64))
            for batch in dump.iter_batches(CHUNK_ROWS):
                # Text that is no UTF-8 could be written, and would break every query on it.
                batch.validate(full=True)
                expanded += batch.nbytes
                check_expanded(file, expanded)
                rows = np.arange(following, following + batch.num_rows, dtype=np.int64)
                following += batch.num_rows
                columns = [
                    column if column.type == kind else _converted(column, kind)
                    for column, kind in zip(batch.columns, schema.types, strict=True)
                ]
                yield Chunk(pa.RecordBatch.from_arrays(columns, schema=schema), rows)
    except (pa.ArrowException, OSError) as error:
        # Arrow reports damage as an OSError without a number; one with a number is the disk's.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableDump(
            file,
            f"the file is not sound Parquet ({error})",
            "Deliver it again, or correct `format` of its table.",
        ) from error


def portable(kind: pa.DataType) -> pa.DataType:
    """The type itself, or the nearest one that both DuckDB and Spark read."""
    if pa.types.is_time(kind) or isinstance(kind, pa.UuidType):
        return pa.string()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal256(kind):
        return pa.float64()
    return _in_microseconds(kind)


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    """The type with its times, however deep in it, to the microsecond."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_list(kind):
        return pa.list_(_in_microseconds(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_in_microseconds(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _in_microseconds(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_in_microseconds(field.type)) for field in kind.fields])
    return kind


def _converted(column: pa.Array[Any], kind: pa.DataType) -> pa.Array[Any]:
    """A column in its portable type: a text is that of DuckDB, a time is cut off as DuckDB does."""
    if pa.types.is_string(kind) and not pa.types.is_string(column.type):
        with connect() as connection:
            given = connection.from_arrow(pa.table({"value": column}))
            told = given.project("cast(value as varchar) as value").to_arrow_table()
        return told.column("value").combine_chunks().cast(kind)
    return column.cast(kind, safe=False)
