"""Parquet dumps: columns keep their types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.readers.base import CHUNK_ROWS, Chunk, UnreadableDump, check_names, column_names
from orchestration.arrival.readers.text import check_expanded
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
            fields = [field.with_name(name) for field, name in zip(delivered, names, strict=True)]
            schema = pa.schema(fields, delivered.metadata)
            yield Chunk(pa.RecordBatch.from_pylist([], schema=schema), np.array([], dtype=np.int64))
            for batch in dump.iter_batches(CHUNK_ROWS):
                # Text that is no UTF-8 could be written, and would break every query on it.
                batch.validate(full=True)
                expanded += batch.nbytes
                check_expanded(file, expanded)
                rows = np.arange(following, following + batch.num_rows, dtype=np.int64)
                following += batch.num_rows
                yield Chunk(batch.rename_columns(names), rows)
    except (pa.ArrowException, OSError) as error:
        # Arrow reports damage as an OSError without a number; one with a number is the disk's.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableDump(
            file,
            f"the file is not sound Parquet ({error})",
            "Deliver it again, or correct `format` of its table.",
        ) from error
