"""Fixed width: each column has its character positions in the line; values are trimmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestration.arrival.readers.base import Chunk
from orchestration.arrival.readers.chunks import text_chunks
from orchestration.arrival.readers.text import exact_lines, flaw, opened, without_end
from orchestration.sources.table import Table


def read_fixed_width(path: Path, file: str, table: Table) -> Iterator[Chunk]:
    """Read fixed-width lines; each must reach the end of every required column, a blank one is no record."""
    names = table.columns.declared
    places = [slice(table.widths[name][0] - 1, table.widths[name][1]) for name in names]
    needed = max(table.widths[name][1] for name in table.columns.required)

    def values_or_flaw(line: str) -> list[str] | str:
        if reason := flaw(line, table.encoding):
            return reason
        if len(line) < needed:
            return f"{len(line)} characters where at least {needed} are expected"
        return [line[place].strip() for place in places]

    return text_chunks(names, ((row, line, values_or_flaw(line)) for row, line in _lines(path, file, table)))


def _lines(path: Path, file: str, table: Table) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank, from 1 after the header."""
    with opened(path, file) as stream:
        texts = map(without_end, exact_lines(stream, file, table.encoding))
        records = (text for text in texts if text.strip())
        if table.has_header:
            next(records, None)
        yield from enumerate(records, 1)
