"""Delimited text record by record: slow, but it sets apart bad bytes, NUL and open quotation marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestration.arrival.readers.base import Chunk, Gathering, text_chunk
from orchestration.arrival.readers.csv_records import (
    HEADER_AGAIN,
    NEVER_CLOSED,
    Header,
    Record,
    read_header,
    split_records,
    wrong_count,
)
from orchestration.arrival.readers.text import exact_lines, flaw, opened, visible
from orchestration.sources.table import Table


def read_csv_exact(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read delimited text in Python; same chunks as `read_csv` gives for files that both can read."""
    with opened(path, file) as stream:
        records = split_records(exact_lines(stream, file, table.encoding), table.delimiter)
        header = read_header(records, file, table)
        gathered = Gathering[list[str]]()
        for row, record in enumerate(records, 1):
            reason = _flaw(record, header, table.encoding)
            if reason is None and record.fields is not None:
                gathered.add(row, record.fields, record.raw)
            elif reason is not None:
                # Arrow does not tell the text of a record that it could split.
                text = header.raw if reason == HEADER_AGAIN else visible(record.raw)
                gathered.reject(row, text, reason)
            if gathered.is_full(len(header.names)):
                yield text_chunk(header.names, gathered.records, gathered.rows, gathered.rejects)
                gathered = Gathering[list[str]]()
        yield text_chunk(header.names, gathered.records, gathered.rows, gathered.rejects)


def _flaw(record: Record, header: Header, encoding: str) -> str | None:
    if record.fields is None:
        return NEVER_CLOSED
    if reason := flaw(record.raw, encoding):
        return reason
    if len(record.fields) != len(header.names):
        return wrong_count(len(record.fields), header)
    return HEADER_AGAIN if record.fields == header.fields else None
