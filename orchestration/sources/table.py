"""A table of a source: which dumps hold it, and how they are read."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from orchestration.core.declarations import Strict
from orchestration.sources.file_pattern import FileMatch, compile_pattern, match_file

# Raising it makes every dump be parsed again from landing: for a change of the readers that changes rows.
PARSER_VERSION = 2
# Keys that the arrival gate reads and the readers do not: they change no row of raw.
_JUDGED_BY = ("not_null", "vocabulary", "may_be_empty", "event_time", "key", "amounts", "decimal_mark")
RESERVED_COLUMNS = ("_load_date", "_file", "_row")
# Control and format characters, such as a byte order mark, and blanks of every kind.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def _known_encoding(name: str) -> str:
    try:
        # A codec that is not of text (hex, zip) fails here too.
        "".encode(name)
    except LookupError as error:
        raise ValueError(f"'{name}' is not an encoding; write one such as utf-8 or gb18030") from error
    return name


def column_name(text: str) -> str:
    """Name of a column without blanks and invisible characters around it."""
    shown = [position for position, char in enumerate(text) if unicodedata.category(char) not in _UNSEEN]
    return text[shown[0] : shown[-1] + 1] if shown else ""


DecimalMark = Literal[",", "."]
ColumnName = Annotated[str, AfterValidator(column_name)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]


class Format(StrEnum):
    """Format of a dump."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    FIXED_WIDTH = "fixed_width"


class Columns(Strict):
    """Columns that every dump of a table has, and columns that it may have."""

    required: list[ColumnName] = Field(min_length=1)
    optional: list[ColumnName] = []

    @property
    def declared(self) -> list[str]:
        """All of them, in the order of the raw Parquet."""
        return [*self.required, *self.optional]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        folded = [name.casefold() for name in self.declared]
        if twice := sorted({name for name in folded if folded.count(name) > 1}):
            raise ValueError(f"column named twice (capitals do not count): {', '.join(twice)}")
        if reserved := sorted(set(folded) & set(RESERVED_COLUMNS)):
            raise ValueError(f"{', '.join(reserved)} is the name of a column that the pipeline adds")
        return self


class EventTime(Strict):
    """The column that says when a row's event was, and how its text is read.

    `format` is `iso`, `unix_seconds`, `unix_milliseconds`, or a pattern of strptime such as `%Y%m%d`.
    """

    column: ColumnName
    format: str = "iso"

    @model_validator(mode="after")
    def _known_format(self) -> Self:
        named = ("iso", "unix_seconds", "unix_milliseconds")
        if self.format not in named and "%" not in self.format:
            raise ValueError(f"format '{self.format}' is none: write {', '.join(named)}, or such as %Y%m%d")
        return self


class Table(Strict):
    """One table of a source: which files hold it and how they are read."""

    files: str = Field(min_length=1)
    format: Format
    delimiter: str = Field(",", min_length=1, max_length=1)
    header: bool | None = None
    encoding: Encoding = "utf-8"
    widths: dict[ColumnName, tuple[int, int]] = {}
    columns: Columns
    # Names that columns had in older dumps, with those that they have today.
    aliases: dict[ColumnName, ColumnName] = {}
    # Columns, or groups of columns of which each row has at least one.
    not_null: list[ColumnName | Annotated[list[ColumnName], Field(min_length=1)]] = []
    vocabulary: dict[ColumnName, list[str]] = {}
    may_be_empty: bool = False
    # Rows hold until they are corrected, so that no day of them is ever past.
    lasting: bool = False
    identifiers: dict[str, list[ColumnName]] = {}
    personal: list[ColumnName] = []
    # Names the salt that personal columns are hashed with; filled in by the pull.
    salt_fingerprint: str = ""
    event_time: EventTime | None = None
    key: list[ColumnName] = []
    amounts: dict[ColumnName, tuple[float, float]] = {}
    # Declared, it says that the other one may separate thousands; else that nothing does.
    decimal_mark: DecimalMark | None = None

    @property
    def has_header(self) -> bool:
        """Whether the first record names the fields: by default in CSV, and not in fixed width."""
        return self.format is Format.CSV if self.header is None else self.header

    @property
    def has_load_date(self) -> bool:
        """Whether the file name carries the load date."""
        return "{load_date" in self.files

    @property
    def declaration(self) -> str:
        """What decides the rows that a dump is read into, as canonical JSON."""
        others = {"files", "identifiers", "lasting", *_JUDGED_BY}
        # Tables without personal columns or aliases are declared as they were before there were any.
        if not self.personal:
            others |= {"personal", "salt_fingerprint"}
        if not self.aliases:
            others |= {"aliases"}
        return self.model_dump_json(exclude=others)

    @property
    def contract(self) -> dict[str, object]:
        """What the arrival gate asks of a load of this table."""
        return self.model_dump(mode="json", include=set(_JUDGED_BY))

    @property
    def present(self) -> list[list[str]]:
        """The groups of columns of which each row has at least one."""
        return [[named] if isinstance(named, str) else named for named in self.not_null]

    def column(self, delivered: str) -> str:
        """Today's name of a column that a dump calls `delivered`."""
        name = column_name(delivered) or delivered
        return self.aliases.get(name, name)

    @classmethod
    def declared_as(cls, declaration: str) -> Self:
        """Table that reads dumps as a `declaration` says; it matches no file of its own."""
        return cls.model_validate({**json.loads(declaration), "files": "-"})

    def version(self, table_name: str, sha256: str) -> str:
        """Name of the reading of a content by this declaration: 16 hexadecimal digits."""
        read_as = f"{sha256}\n{PARSER_VERSION}\n{table_name}\n{self.declaration}"
        return hashlib.sha256(read_as.encode()).hexdigest()[:16]

    def match(self, relative_path: str) -> FileMatch | None:
        """Match a path relative to the dumps; a date that no calendar has (2024-13-45) is no match."""
        return match_file(self.files, relative_path)

    @model_validator(mode="after")
    def _older_names(self) -> Self:
        if both := sorted(self.aliases.keys() & set(self.columns.declared)):
            raise ValueError(f"aliases: {', '.join(both)} is declared, so it is no older name of a column")
        if self.aliases and not (self.has_header or self.format in (Format.JSONL, Format.PARQUET)):
            raise ValueError("`aliases` goes with dumps that name their columns")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        compile_pattern(self.files)
        declared = set(self.columns.declared)
        identifiers = [column for columns in self.identifiers.values() for column in columns]
        named = {
            "not_null": [column for group in self.present for column in group],
            "aliases": list(self.aliases.values()),
            "vocabulary": self.vocabulary,
            "event_time": [self.event_time.column] if self.event_time else [],
            "key": self.key,
            "amounts": self.amounts,
            "personal": self.personal,
            "identifiers": identifiers,
        }
        for key, names in named.items():
            if unknown := sorted(set(names) - declared):
                raise ValueError(f"{key} names columns that `columns` does not: {', '.join(unknown)}")
        for name, (low, high) in self.amounts.items():
            if low >= high:
                raise ValueError(f"amounts of {name}: the least ({low:g}) is not below the most ({high:g})")
        if hashed := sorted(set(self.personal) & set(self.vocabulary)):
            raise ValueError(f"{', '.join(hashed)} is personal, and its hashes are in no vocabulary")
        if both := sorted(set(self.personal) & set(identifiers)):
            raise ValueError(
                f"{', '.join(both)} identifies, and releases hash it: leave it out of `personal`"
            )
        if (self.format is Format.FIXED_WIDTH) != bool(self.widths):
            raise ValueError("`widths` goes with format fixed_width, and fixed_width needs it")
        if self.widths and set(self.widths) != declared:
            raise ValueError("`widths` must hold exactly the columns of `columns`")
        for name, (first, last) in self.widths.items():
            if not 1 <= first <= last:
                raise ValueError(f"widths of {name}: positions count from 1, the first is not after the last")
        if self.delimiter in '"\r\n\0':
            raise ValueError("`delimiter` cannot be a quotation mark or a line end")
        return self
