"""What all readers share: chunks of rows, rejects, and files that cannot be read at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.arrival import limits
from orchestration.core.errors import InputError
from orchestration.core.printable import printable, shortened
from orchestration.sources.table import RESERVED_COLUMNS, Table

RowNumbers = npt.NDArray[np.int64]
CHUNK_ROWS = 50_000
# How a web page or an XML document begins, maybe after comments.
MARKUP = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(\?xml|!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
MARKUP_BYTES = 4096


class UnreadableDump(InputError):
    """A dump that cannot be read as a whole: which file, why, and what to do."""

    def __init__(self, file: str, reason: str, remedy: str) -> None:
        # The reason may quote the dump.
        super().__init__(printable(f"{file}: {shortened(reason)}. {remedy}"))
        self.file = file
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class Reject:
    """A record that cannot be read: its number in the dump (from 1, header not counted), text and reason."""

    row: int
    raw_text: str
    reason: str


@dataclass(frozen=True)
class Chunk:
    """Records in the order of the dump: its columns, the number of each record, and the rejects between."""

    batch: pa.RecordBatch
    rows: RowNumbers
    rejects: list[Reject] = field(default_factory=list)


Reader = Callable[[Path, str, Table], Iterator[Chunk]]


class StartAgain(Exception):
    """Reading met something it cannot handle; `reader` can, from the beginning."""

    def __init__(self, reader: Reader) -> None:
        super().__init__("start again with another reader")
        self.reader = reader


def numbers_among(rows: RowNumbers, left_out: RowNumbers) -> RowNumbers:
    """Numbers that records have among all, from the numbers (from 1) that they have without those left out.

    `left_out` holds numbers among all, sorted.

    >>> numbers_among(np.array([1, 2, 3, 4]), np.array([2, 3, 6])).tolist()
    [1, 4, 5, 7]
    """
    # Before the j-th one left out (from 0) lie left_out[j] - j - 1 others; later ones move up.
    return rows + np.searchsorted(left_out - np.arange(len(left_out)), rows, side="right")


def check_no_markup(landed: Path, file: str) -> None:
    """Refuse a web page or XML instead of a dump, such as a login page that a server sent.

    Raises UnreadableDump.
    """
    with landed.open("rb") as dump:
        if MARKUP.match(dump.read(MARKUP_BYTES)):
            raise UnreadableDump(
                file,
                "it is a web page or an XML document, such as a login page or an error of its server",
                "See what `dumps` of its source leads to and whether it asks for a login, then have the dump"
                " delivered again.",
            )


def check_count(file: str, columns: int) -> None:
    """Refuse a dump with too many columns. Raises UnreadableDump."""
    if columns > limits.COLUMNS:
        raise UnreadableDump(
            file,
            f"it has {columns:,} columns, and the limit is {limits.COLUMNS:,}",
            "Correct `delimiter` or `format` of its table in the sources file, or deliver fewer columns.",
        )


def column_names(file: str, delivered: Sequence[str], table: Table) -> list[str]:
    """Today's names of the columns of a dump, in its order.

    Raises:
        UnreadableDump: it has a column under an older and another name.
    """
    names = [table.column(name) for name in delivered]
    for name in table.aliases.values():
        if len(both := [one for one, today in zip(delivered, names, strict=True) if today == name]) > 1:
            raise UnreadableDump(
                file,
                f"the columns {' and '.join(both)} are both there, and `aliases` says that they are one",
                "Deliver one of them, or correct `aliases` of its table in the sources file.",
            )
    return names


def check_names(file: str, names: Sequence[str], table: Table) -> None:
    """Refuse column names that raw cannot hold, and a dump without a required column.

    Raises:
        UnreadableDump: a name is empty, reserved or given twice (capitals do not count), or a required one is
            missing.
    """
    check_count(file, len(names))
    folded = [name.casefold() for name in names]
    if twice := [name for name in names if folded.count(name.casefold()) > 1]:
        raise UnreadableDump(
            file,
            f"the column {_shown(twice, table)} is there more than once",
            "Give each column of the dump a unique name.",
        )
    if bad := [name for name in names if not name or name.casefold() in RESERVED_COLUMNS]:
        raise UnreadableDump(
            file, f"a column cannot have the name '{bad[0]}'", "Rename the column where the dump is made."
        )
    if missing := [name for name in table.columns.required if name not in names]:
        raise UnreadableDump(
            file,
            f"the required column {', '.join(missing)} is missing; the dump has {_shown(names, table)}",
            "If the dump is right, correct `columns`, `delimiter` or `files` of its table in the sources"
            " file; else deliver the dump again.",
        )


def _shown(names: Sequence[str], table: Table) -> str:
    """Names for a message: where a dump lacks its header they are values, and maybe somebody's."""
    known = {name for name in names if name in table.columns.declared}
    hidden = len(names) - len(known) if table.personal else 0
    shown = [name for name in names if name in known or not table.personal]
    told = [shortened(", ".join(shown), 300), *([f"{hidden} that are not declared"] if hidden else [])]
    return ", ".join(filter(None, told)) or "none"
