"""Records of delimited text, split one by one with the rules that Arrow's reader has.

A quotation mark counts only at the start of a field; a doubled one inside stands for one; what follows the
closing one belongs to the field. A blank line is no record.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestration.arrival.readers.base import UnreadableDump, check_names, column_names
from orchestration.arrival.readers.text import flaw, without_end
from orchestration.sources.table import Table

# In characters, without its last line; a longer one is a quotation mark that nothing closes.
LONGEST_RECORD = 2 << 20
NEVER_CLOSED = "a quotation mark is never closed"
INSIDE_QUOTES = re.compile(r'[^"]*(?:""[^"]*)*')


@dataclass(frozen=True)
class Record:
    """One record: its text without the line end, and its fields; `None` where quotation marks stay open."""

    raw: str
    fields: list[str] | None


@dataclass(frozen=True)
class Header:
    """Column names of a dump, the fields as they stand in its header (empty without one), and its text."""

    names: list[str]
    fields: list[str]
    raw: str


def split_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Split lines (with their ends) into records.

    Where a quotation mark is never closed, only the line that opens it is lost; the next lines are records.
    """
    source, returned = iter(lines), deque[str]()

    def next_line() -> str | None:
        return returned.popleft() if returned else next(source, None)

    while (line := next_line()) is not None:
        text = without_end(line)
        if not text:
            continue
        if '"' not in text:
            yield Record(text, text.split(delimiter))
            continue
        splitter, taken, length = _Splitter(delimiter), [line], len(line)
        while not splitter.feed(taken[-1]):
            more = next_line() if length <= LONGEST_RECORD else None
            if more is None:
                returned.extendleft(reversed(taken[1:]))
                yield Record(text, None)
                break
            taken.append(more)
            length += len(more)
        else:
            yield Record(without_end("".join(taken)), splitter.fields)


class _Splitter:
    """Fields of one record, line by line."""

    def __init__(self, delimiter: str) -> None:
        self.fields: list[str] = []
        self._delimiter = delimiter
        self._open: list[str] | None = None

    def feed(self, line: str) -> bool:
        """Take the next line; whether the record ends with it."""
        end, position = len(without_end(line)), 0
        while True:
            value = ""
            if self._open is None and line.startswith('"', position, end):
                self._open = []
                position += 1
            if self._open is not None:
                inside = INSIDE_QUOTES.match(line, position)
                assert inside is not None  # noqa: S101 (the pattern matches the empty text)
                self._open.append(inside[0].replace('""', '"'))
                if inside.end() == len(line):
                    return False
                value, self._open, position = "".join(self._open), None, inside.end() + 1
            stop = line.find(self._delimiter, position, end)
            self.fields.append(value + line[position : end if stop < 0 else stop])
            if stop < 0:
                return True
            position = stop + 1


def read_header(records: Iterator[Record], file: str, table: Table) -> Header:
    """Take the header from the records, or the declared names where the dump has none; check them.

    A column without a name is called `unnamed_<position>`.

    Raises:
        UnreadableDump: the dump is empty, or its columns are not those of the table.
    """
    if not table.has_header:
        return Header(table.columns.declared, [], "")
    record = next(records, None)
    if record is None:
        raise UnreadableDump(file, "the file is empty, without even a header", "Deliver the dump again.")
    if record.fields is None or flaw(record.raw, table.encoding):
        raise UnreadableDump(
            file,
            f"the header cannot be read: {flaw(record.raw, table.encoding) or NEVER_CLOSED}",
            "Correct `encoding` or `delimiter` of its table in the sources file, or deliver the dump again.",
        )
    known = column_names(file, record.fields, table)
    names = [name if name.strip() else f"unnamed_{position}" for position, name in enumerate(known, 1)]
    check_names(file, names, table)
    return Header(names, record.fields, record.raw)
