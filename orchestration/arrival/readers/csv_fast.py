"""Delimited text through Arrow, block by block; record numbers are worked out for whole batches."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from orchestration.arrival.readers.base import (
    Chunk,
    Reject,
    RowNumbers,
    StartAgain,
    numbers_among,
    text_chunk,
)
from orchestration.arrival.readers.csv_exact import read_csv_exact
from orchestration.arrival.readers.csv_records import (
    BLOCK_BYTES,
    HEADER_AGAIN,
    Header,
    read_header,
    split_records,
    wrong_count,
)
from orchestration.arrival.readers.text import TAIL, NotPlain, Utf8Stream, opened
from orchestration.sources.table import Table


def read_csv(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read delimited text; every column is text, an empty field is NULL.

    Raises:
        UnreadableDump: the file is not what its name says, or lacks a header or a required column.
        StartAgain: the file holds something that only the exact reader can set apart.
    """
    with opened(path, file) as stream:
        try:
            utf8 = Utf8Stream(stream, table.encoding)
            header = _take_header(utf8, file, table)
            yield text_chunk(header.names, [], [], [])
            yield from _read_rest(utf8, header, table)
        except (NotPlain, pa.ArrowInvalid) as error:
            raise StartAgain(read_csv_exact) from error


def row_numbers(first: int, count: int, rejected: RowNumbers) -> RowNumbers:
    """Numbers of `count` good records from `first` on, with the records `rejected` (sorted) between.

    >>> row_numbers(1, 4, np.array([2, 3, 6])).tolist()
    [1, 4, 5, 7]
    """
    # Numbers count from 1 in the rest of the dump, whose first record is number `first`.
    return numbers_among(np.arange(1, count + 1, dtype=np.int64), rejected - first + 1) + first - 1


def _take_header(utf8: Utf8Stream, file: str, table: Table) -> Header:
    """Read the header and leave the stream right after its last field."""
    head = utf8.read(BLOCK_BYTES)
    text = codecs.getincrementaldecoder("utf-8")().decode(head)
    header = read_header(split_records(io.StringIO(text, newline=""), table.delimiter), file, table)
    end = text.index(header.raw) + len(header.raw)
    if end == len(text) and len(head) >= BLOCK_BYTES - 1:
        # The header may go on in the next block.
        raise NotPlain
    utf8.unread(head[len(text[:end].encode()) :])
    return header


def _read_rest(utf8: Utf8Stream, header: Header, table: Table) -> Iterator[Chunk]:
    """Read the records after the header.

    Raises:
        NotPlain: the last record may end inside quotation marks, which Arrow does not tell.
    """
    refused: list[Reject] = []

    def refuse(record: csv.InvalidRow) -> Literal["skip"]:
        # Arrow counts records where it reads with one thread.
        refused.append(
            Reject(cast(int, record.number), record.text, wrong_count(record.actual_columns, header))
        )
        return "skip"

    following, last_values = 1, [""]
    for batch in _open(utf8, header, table, refuse):
        if not batch.num_rows:
            continue
        # Arrow reads ahead: rejects after the last record of this batch wait for the next.
        rows = row_numbers(following, batch.num_rows, _numbers(refused))
        following = int(rows[-1]) + 1
        due = [reject for reject in refused if reject.row < following]
        del refused[: len(due)]
        last_values = [column[-1].as_py() or "" for column in batch.columns]
        yield _without_headers(Chunk(batch, rows, due), header)
    yield text_chunk(header.names, [], [], list(refused))
    last = [refused[-1].raw_text] if refused else last_values
    _check_end(utf8, last, table.delimiter)


def _open(
    utf8: Utf8Stream, header: Header, table: Table, refuse: Callable[[csv.InvalidRow], Literal["skip"]]
) -> csv.CSVStreamingReader:
    return csv.open_csv(
        cast(IO[bytes], utf8),
        # Only one thread counts records.
        csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=header.names),
        csv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True, invalid_row_handler=refuse),
        csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(header.names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _numbers(rejects: list[Reject]) -> RowNumbers:
    return np.array([reject.row for reject in rejects], dtype=np.int64)


def _without_headers(chunk: Chunk, header: Header) -> Chunk:
    """Reject records that repeat the header, as in files put together from several."""
    if not header.fields:
        return chunk
    again = _holds(chunk.batch.column(0), header.fields[0])
    for column, value in zip(chunk.batch.columns[1:], header.fields[1:], strict=True):
        if not pc.any(again).as_py():
            return chunk
        again = pc.and_(again, _holds(column, value))
    if not pc.any(again).as_py():
        return chunk
    kept = pc.invert(again)
    repeated = [Reject(row, header.raw, HEADER_AGAIN) for row in chunk.rows[again.to_numpy(False)].tolist()]
    rejects = sorted([*chunk.rejects, *repeated], key=lambda reject: reject.row)
    return Chunk(chunk.batch.filter(kept), chunk.rows[kept.to_numpy(False)], rejects)


def _holds(column: pa.Array[Any], value: str) -> pa.BooleanArray:
    same = pc.fill_null(pc.equal(column, pa.scalar(value)), pa.scalar(False)) if value else pc.is_null(column)
    return cast(pa.BooleanArray, same)


def _check_end(utf8: Utf8Stream, last_record: list[str], delimiter: str) -> None:
    """Make sure that the last record is closed.

    Raises:
        NotPlain: it spans lines or is long, so that only reading all of them can tell, or it is open.
    """
    tail = utf8.tail.rstrip(b"\r\n")
    line = re.split(rb"[\r\n]", tail)[-1]
    spans_lines = any("\n" in value or "\r" in value for value in last_record)
    if spans_lines or (line == tail and len(utf8.tail) == TAIL):
        raise NotPlain
    if any(record.fields is None for record in split_records([line.decode()], delimiter)):
        raise NotPlain
