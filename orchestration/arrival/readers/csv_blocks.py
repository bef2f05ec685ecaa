"""Delimited text in blocks of whole records: Arrow splits them, and Python those that hold a flaw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from orchestration.arrival.readers import csv_records
from orchestration.arrival.readers.base import Chunk, Reject, numbers_among
from orchestration.arrival.readers.chunks import text_chunk, text_chunks
from orchestration.arrival.readers.csv_records import NEVER_CLOSED, Header, Record, read_header, split_records
from orchestration.arrival.readers.text import flaw, lines_of, opened, text_blocks
from orchestration.sources.table import Table

HEADER_AGAIN = "the header again"


def read_csv(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read delimited text; every column is text, an empty field is NULL.

    Raises:
        UnreadableDump: the file is not what its name says, or lacks a header or a required column.
    """
    with opened(path, file) as stream:
        blocks = text_blocks(stream, file, table.encoding)
        # A mark that its codec leaves, or a second one, would hide the quotation mark of the first name.
        head = next(blocks, "").lstrip("\ufeff")
        header = read_header(split_records(lines_of(head), table.delimiter), file, table)
        after_header = head.index(header.raw) + len(header.raw)
        yield text_chunk(header.names, [], [], [])
        for chunk in _chunks(chain([head[after_header:]], blocks), header, table):
            yield _without_headers(chunk, header)


def _chunks(blocks: Iterator[str], header: Header, table: Table) -> Iterator[Chunk]:
    before, begun = 0, ""
    for block in blocks:
        text = begun + block
        if '"' in text and len(text) > csv_records.LONGEST_RECORD:
            # A quotation mark may never be closed: from here on each record is measured.
            begun = text
            break
        end = _end_of_records(text, table.delimiter)
        whole, begun = text[:end], text[end:]
        if flaw(whole, table.encoding):
            chunks = _by_record(lines_of(whole), before, header, table)
        else:
            chunks = _by_arrow(whole, before, header, table)
        for chunk in chunks:
            before += len(chunk.rows) + len(chunk.rejects)
            yield chunk
    rest = chain.from_iterable(map(lines_of, chain([begun], blocks)))
    yield from _by_record(rest, before, header, table)


def _end_of_records(text: str, delimiter: str) -> int:
    """Where the last of the records ends that a text of whole lines holds whole."""
    # A quotation mark counts at the start of a field; the group is empty where no other one closes it.
    quoted = rf'"(?<![^{re.escape(delimiter)}\r\n]")[^"]*+(?:""[^"]*+)*+("?)'
    if re.findall(quoted, text)[-1:] != [""]:
        return len(text)
    ends = [found.end() for found in re.finditer(rf"{quoted}|[\r\n]", text) if found[1] is None]
    return max(ends, default=0)


def _by_record(lines: Iterable[str], before: int, header: Header, table: Table) -> Iterator[Chunk]:
    """Read records after `before` others one by one: slow, but each flaw costs its own record only."""
    records = enumerate(split_records(lines, table.delimiter), before + 1)
    read = ((row, record.raw, _fields_or_flaw(record, header, table.encoding)) for row, record in records)
    return text_chunks(header.names, read)


def _fields_or_flaw(record: Record, header: Header, encoding: str) -> list[str] | str:
    if record.fields is None:
        return NEVER_CLOSED
    if reason := flaw(record.raw, encoding):
        return reason
    return (
        record.fields if len(record.fields) == len(header.names) else _wrong_count(len(record.fields), header)
    )


def _by_arrow(text: str, before: int, header: Header, table: Table) -> Iterator[Chunk]:
    """Read whole records after `before` others that have no flaw but their number of fields."""
    if not text.strip("\r\n"):
        return
    rejects: list[Reject] = []

    def refuse(record: csv.InvalidRow) -> Literal["skip"]:
        row = before + cast(int, record.number)
        rejects.append(Reject(row, record.text, _wrong_count(record.actual_columns, header)))
        return "skip"

    data = text.encode()
    found = csv.read_csv(
        pa.BufferReader(data),
        # Arrow numbers records with one thread only, and block by block.
        csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=header.names),
        csv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True, invalid_row_handler=refuse),
        csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(header.names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    left_out = np.array([reject.row - before for reject in rejects], dtype=np.int64)
    rows = numbers_among(np.arange(1, found.num_rows + 1, dtype=np.int64), left_out) + before
    arrays = [column.combine_chunks() for column in found.columns]
    yield Chunk(pa.RecordBatch.from_arrays(arrays, names=header.names), rows, rejects)


def _wrong_count(found: int, header: Header) -> str:
    return f"{found} fields where {len(header.names)} are expected"


def _without_headers(chunk: Chunk, header: Header) -> Chunk:
    """Reject records that repeat the header, as in files put together from several."""
    if not header.fields:
        return chunk
    batch = chunk.batch
    candidates = pc.equal(pc.fill_null(batch.column(0), ""), header.fields[0]).to_numpy(False)
    again = [
        position
        for position in np.flatnonzero(candidates).tolist()
        if [column[position].as_py() or "" for column in batch.columns] == header.fields
    ]
    if not again:
        return chunk
    repeated = [Reject(row, header.raw, HEADER_AGAIN) for row in chunk.rows[again].tolist()]
    rejects = sorted([*chunk.rejects, *repeated], key=lambda reject: reject.row)
    kept = np.setdiff1d(np.arange(batch.num_rows), again)
    return Chunk(batch.take(pa.array(kept)), chunk.rows[kept], rejects)
