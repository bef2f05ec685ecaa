"""Records of text on their way to chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa

from orchestration.arrival.readers.base import CHUNK_ROWS, Chunk, Reject
from orchestration.arrival.readers.text import visible

T = TypeVar("T", list[str], dict[str, str | None])
CHUNK_CHARACTERS = 64 << 20
CHUNK_CELLS = 4_000_000


@dataclass
class Gathering(Generic[T]):
    """Records and rejects on their way to a chunk, bounded by their number and by their text."""

    records: list[T] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    _characters: int = 0

    def add(self, row: int, text: str, parsed: T | str) -> None:
        """Take a record that was read from `text`, or the reason why it cannot be read."""
        self._characters += len(text)
        if isinstance(parsed, str):
            self.rejects.append(Reject(row, visible(text), parsed))
        else:
            self.records.append(parsed)
            self.rows.append(row)

    def is_full(self, columns: int) -> bool:
        """Whether it is time for a chunk of so many columns."""
        return (
            len(self.records) + len(self.rejects) >= CHUNK_ROWS
            or self._characters >= CHUNK_CHARACTERS
            or len(self.records) * columns >= CHUNK_CELLS
        )


def text_chunks(names: Sequence[str], records: Iterable[tuple[int, str, list[str] | str]]) -> Iterator[Chunk]:
    """Gather records: each with its number, its text, and its fields or the reason why there are none."""
    gathered = Gathering[list[str]]()
    for row, text, parsed in records:
        gathered.add(row, text, parsed)
        if gathered.is_full(len(names)):
            yield text_chunk(names, gathered.records, gathered.rows, gathered.rejects)
            gathered = Gathering[list[str]]()
    yield text_chunk(names, gathered.records, gathered.rows, gathered.rejects)


def text_chunk(
    names: Sequence[str], records: Sequence[Sequence[str | None]], rows: Sequence[int], rejects: list[Reject]
) -> Chunk:
    """Build a chunk of text columns; an empty text is NULL."""
    columns = list(zip(*records, strict=True)) if records else [()] * len(names)
    arrays = [pa.array([value or None for value in column], pa.string()) for column in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(names))
    return Chunk(batch, np.array(rows, dtype=np.int64), rejects)
