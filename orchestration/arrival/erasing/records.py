"""Records of erased persons: found in dumps and in Parquet by the declared keys, and taken out."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.arrival.readers.base import Chunk, StartAgain, UnreadableDump
from orchestration.arrival.readers.csv_records import split_records
from orchestration.arrival.readers.text import exact_lines, opened, without_end
from orchestration.arrival.readers.writing import READERS
from orchestration.core.atomic import replacing
from orchestration.core.privacy.erased import PERSONS, Erased, Key
from orchestration.core.privacy.ids import IdCase, clean_id
from orchestration.sources.table import Format, Table

# What stands between the values of a record, whichever way it is broken.
BETWEEN = re.compile(r"""[\s"',;|{}\[\]()<>=\\]+""")
T = TypeVar("T")


@dataclass
class Search:
    """The look for erased persons in one table of a source; `documents` gathers what is theirs besides.

    `space` is the identity space of the source. Where document ids `repeat`, a row that names a person is
    theirs, whatever document it names.
    """

    erased: Erased
    source_id: str
    space: str
    table: Table
    keys: dict[str, list[str]]
    id_case: IdCase = None
    repeat: bool = False
    documents: set[Key] = field(default_factory=set)

    @cached_property
    def digests(self) -> frozenset[str]:
        """Hashes of the erased keys."""
        return self.erased.digests()

    def marks(self, batch: pa.RecordBatch) -> pa.Array[Any]:
        """For each row, whether it names an erased person or a document of theirs."""
        found = pa.array(np.zeros(batch.num_rows, dtype=bool))
        columns = [
            (kind, name) for kind, names in self.keys.items() for name in names if name in batch.schema.names
        ]
        # Persons first.
        columns.sort(key=lambda named: named[0] not in PERSONS.values())
        of_others = found
        for kind, column in columns:
            values = _decoded(batch.column(column))
            known = [v for v in pc.unique(values) if v.is_valid and self._is_erased(kind, v.as_py())]
            if known:
                named = pc.is_in(values, value_set=pa.array(known, values.type))
                if self.repeat and kind not in PERSONS.values():
                    named = pc.and_(named, pc.invert(of_others))
                found = pc.or_(found, named)
            if kind in PERSONS.values():
                of_others = pc.or_(of_others, pc.is_valid(values))
        if pc.any(found).as_py():
            rows = batch.filter(found)
            for kind, column in columns:
                if kind not in PERSONS.values():
                    values = pc.unique(rows.column(column)).drop_null().to_pylist()
                    self.documents |= {self._key(kind, value) for value in values}
        return found

    def tells(self, text: str) -> bool:
        """Whether the text of a record that cannot be read names one of them, as a word in any place."""
        words = set(BETWEEN.split(text)) | set(text.split(self.table.delimiter))
        words |= {part for word in words for part in word.split(":")}
        words |= {text[first - 1 : last].strip() for first, last in self.table.widths.values()}
        kinds = {*PERSONS.values(), *self.keys}
        return any(self._is_erased(kind, word) for word in words if word for kind in kinds)

    def _is_erased(self, kind: str, value: object) -> bool:
        # As delivered, too: it may have been erased before the case was declared.
        keys = {self._key(kind, value), replace(self._key(kind, value), value=str(value))}
        return not self.digests.isdisjoint(map(self.erased.digest, keys))

    def _key(self, kind: str, value: object) -> Key:
        scope = self.space if kind in PERSONS.values() else self.source_id
        return Key(scope, kind, clean_id(value, self.id_case) if self.id_case else str(value))


def _decoded(column: Any) -> Any:
    """A column without a dictionary: delivered Parquet may have one."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def find_records(search: Search, landed: Path, file: str) -> list[int]:
    """Numbers of the records of a landed dump that name an erased person, in order.

    Raises UnreadableDump when it cannot be read as a whole.
    """

    def found(chunk: Chunk) -> list[int]:
        rows: list[int] = chunk.rows[search.marks(chunk.batch).to_numpy(zero_copy_only=False)].tolist()
        return rows + [reject.row for reject in chunk.rejects if search.tells(reject.raw_text)]

    return sorted(chain.from_iterable(_of_chunks(found, search.table, landed, file)))


def count_records(table: Table, landed: Path, file: str) -> tuple[int, int]:
    """Rows and unreadable records of a landed dump."""
    counts = _of_chunks(lambda chunk: (chunk.batch.num_rows, len(chunk.rejects)), table, landed, file)
    return sum(rows for rows, _ in counts), sum(unreadable for _, unreadable in counts)


def _of_chunks(answer: Callable[[Chunk], T], table: Table, landed: Path, file: str) -> list[T]:
    read = READERS[table.format]
    while True:
        try:
            return [answer(chunk) for chunk in read(landed, file, table)]
        except StartAgain as again:
            read = again.reader


def tells_of_erased(search: Search, landed: Path, file: str) -> bool:
    """Whether a dump that cannot be read as a whole names an erased person, as far as its lines tell."""
    if search.table.format is Format.PARQUET:
        return False
    try:
        with opened(landed, file) as stream:
            return any(search.tells(line) for line in exact_lines(stream, file, search.table.encoding))
    except UnreadableDump:
        return False


def take_out(landed: Path, copy: Path, file: str, table: Table, numbers: Collection[int]) -> None:
    """Write a copy of a landed dump without the records of these numbers; the others keep their order."""
    if table.format is Format.PARQUET:
        _without(landed, copy, numbers, are_numbered=False)
        return
    gone = set(numbers)
    with opened(landed, file) as stream, copy.open("wb") as target:
        # Without a name and a time in it, equal content is an equal file.
        packed = gzip.GzipFile("", "wb", fileobj=target, mtime=0) if landed.suffix == ".gz" else None
        text = io.TextIOWrapper(
            cast(IO[bytes], packed or target), table.encoding, errors="restore_bad_bytes", newline=""
        )
        for number, record in _texts(stream, file, table):
            if number not in gone:
                text.write(record + "\n")
        text.flush()
        if packed:
            packed.close()


def _texts(stream: IO[bytes], file: str, table: Table) -> Iterator[tuple[int, str]]:
    """Number and text of each record; the header, where there is one, has number 0."""
    lines = exact_lines(stream, file, table.encoding)
    first = 0 if table.has_header and table.format is not Format.JSONL else 1
    if table.format is Format.CSV:
        records: Iterable[str] = (record.raw for record in split_records(lines, table.delimiter))
    else:
        records = (text for text in map(without_end, lines) if text.strip())
    return enumerate(records, first)


def find_rows(search: Search, parsed: Path) -> list[int]:
    """The `_row` of the rows that name an erased person in a Parquet file of raw or arrivals."""
    found: list[int] = []
    with pq.ParquetFile(parsed) as source:
        for batch in source.iter_batches():
            found += batch.column("_row").filter(search.marks(batch)).to_pylist()
    return found


def find_rejects(search: Search, rejects: Path) -> list[int]:
    """The `_row` of the unreadable records in a file of rejects that name an erased person."""
    table = pq.read_table(rejects, columns=["_row", "raw_text"]).to_pylist()
    return [row["_row"] for row in table if search.tells(row["raw_text"] or "")]


def keep_others(path: Path, rows: Collection[int]) -> None:
    """Write a Parquet file again without the rows of these numbers, whole or not at all."""
    with replacing(path) as part:
        _without(path, part, rows, are_numbered=True)


def _without(path: Path, copy: Path, numbers: Collection[int], *, are_numbered: bool) -> None:
    """Copy Parquet without the rows of these numbers: those of `_row`, or counted from 1 in a dump."""
    following, gone = 1, pa.array(numbers, pa.int64())
    with (
        pq.ParquetFile(path) as source,
        pq.ParquetWriter(copy, source.schema_arrow, compression="zstd") as writer,
    ):
        for batch in source.iter_batches():
            counted = pa.array(np.arange(following, following + batch.num_rows))
            rows = batch.column("_row") if are_numbered else counted
            following += batch.num_rows
            kept = batch.filter(pc.invert(pc.is_in(rows, value_set=gone)))
            # A dictionary would still hold the values of the rows that are gone.
            columns = [_decoded(column).cast(column.type) for column in kept.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=kept.schema))
