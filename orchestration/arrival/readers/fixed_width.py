"""Fixed width: each column has its character positions in the line; values are trimmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestration.arrival.readers.base import Chunk, Gathering, text_chunk
from orchestration.arrival.readers.text import exact_lines, flaw, opened, visible, without_end
from orchestration.sources.table import Table


def read_fixed_width(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read fixed-width lines; each must reach the end of every required column, a blank one is no record."""
    names = table.columns.declared
    places = [slice(table.widths[name][0] - 1, table.widths[name][1]) for name in names]
    needed = max(table.widths[name][1] for name in table.columns.required)
    gathered = Gathering[list[str]]()
    for row, line in _lines(path, file, table):
        reason = flaw(line, table.encoding)
        if reason is None and len(line) < needed:
            reason = f"{len(line)} characters where at least {needed} are expected"
        if reason:
            gathered.reject(row, visible(line), reason)
        else:
            gathered.add(row, [line[place].strip() for place in places], line)
        if gathered.is_full(len(names)):
            yield text_chunk(names, gathered.records, gathered.rows, gathered.rejects)
            gathered = Gathering[list[str]]()
    yield text_chunk(names, gathered.records, gathered.rows, gathered.rejects)


def _lines(path: Path, file: str, table: Table) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank, from 1 after the header."""
    with opened(path, file) as stream:
        texts = map(without_end, exact_lines(stream, file, table.encoding))
        records = (text for text in texts if text.strip())
        if table.has_header:
            next(records, None)
        yield from enumerate(records, 1)
