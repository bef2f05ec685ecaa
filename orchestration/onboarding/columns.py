"""What the values of a column look like: numbers, times and how they are written, words, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import product
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.core.database import connect, sql_text

# A column is what nearly all of its values are: single ones may be broken.
ODD_SHARE = 0.05
WORDS = 40
DATES = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y年%m月%d日",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
]
CLOCKS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M"]
DIGITS = ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S"]
SEPARATED = [f"{day}{clock}" for day, clock in product(DATES, CLOCKS)]
ZONE = re.compile(r":[0-9.]+ *(z|utc|gmt|[+-][0-9:]+)$", re.IGNORECASE)
# A file holds days that are about its own date.
NEAR = timedelta(days=15)
TIME_NAME = re.compile(
    r"time|date|stamp|epoch|unix|seconds|millis|_at$|_on$|^ts$|_ts$|^day$|fecha|hora|data|datum|zeit|jour"
    r"|时间|日期|時間|^column_\d+$"
)


def is_nearly_all(count: int, of: int) -> bool:
    """Whether so many of some values are all but a few: one of four, or a twentieth of more."""
    return of - count <= max(ODD_SHARE * of, 1 if of >= 4 else 0)


class Kind(StrEnum):
    """What a column holds."""

    EMPTY = "empty"
    NUMBER = "number"
    COMMA_NUMBER = "number with a decimal comma"
    TIME = "time"
    DAY = "day"
    FLAG = "yes or no"
    OBJECT = "JSON object"
    LIST = "JSON list"
    TEXT = "text"


@dataclass(frozen=True)
class Column:
    """A column of the sampled rows. `format` is how times are written, as `event_time` declares it.

    `words` counts all values where they are few. `other_format` fits all values too: which day comes first
    cannot be seen. `first` and `last` are ISO texts, of times only.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    kind: Kind
    samples: tuple[str, ...] = ()
    words: Mapping[str, int] | None = None
    format: str = ""
    other_format: str = ""
    has_zone: bool = False
    first: str = ""
    last: str = ""
    usual_last: str = ""
    # Column of JSON that holds it under its name.
    within: str = ""
    # Numbers of which some have a point.
    has_point: bool = False

    @property
    def is_unique(self) -> bool:
        """Whether each row has a value of its own."""
        return self.rows > 0 and self.distinct == self.filled == self.rows

    @property
    def is_full(self) -> bool:
        """Whether each row has a value."""
        return self.rows > 0 and self.filled == self.rows


def describe(rows: pa.Table, newest: date | None = None) -> list[Column]:
    """Describe each column of rows of text; `newest` is the last load date that they came with, if any."""
    with connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("rows", rows)
        return [_column(connection, name, newest) for name in rows.column_names]


def describe_fields(rows: pa.Table, column: str, newest: date | None = None) -> list[Column]:
    """Describe the keys of the JSON objects in a column, or of those in its lists."""
    found: list[dict[str, Any]] = []
    for text in rows.column(column).to_pylist():
        try:
            value = json.loads(text or "null")
        except ValueError:
            continue
        found += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    names = list(dict.fromkeys(name for one in found for name in one))
    if not names:
        return []
    fields = pa.table({name: [_text(one.get(name)) for one in found] for name in names})
    return [replace(field, within=column) for field in describe(fields, newest)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)


def json_path(name: str) -> str:
    """Path of a key of a JSON object."""
    return f"$.{name}" if name.isidentifier() else f'$."{name}"'


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def parsed_time(text: str, time_format: str) -> str:
    """SQL of a time written in a format, as the arrival gate reads it; NULL if it does not fit."""
    if time_format == "unix_seconds":
        return f"make_timestamp(try_cast({text} as bigint) * 1000000)"
    if time_format == "unix_milliseconds":
        return f"make_timestamp(try_cast({text} as bigint) * 1000)"
    if time_format == "iso":
        return f"try_cast({text} as timestamp)"
    return f"cast(try_strptime({text}, {sql_text(time_format)}) as timestamp)"


def _column(connection: duckdb.DuckDBPyConnection, name: str, newest: date | None) -> Column:
    column = quoted(name)
    counts = connection.sql(
        f"select {column} as value, count(*) as times from rows where trim({column}) <> ''"
        " group by all order by times desc, value"
    ).fetchall()
    rows = connection.sql("select count(*) from rows").fetchall()[0][0]
    filled = sum(times for _, times in counts)
    samples = connection.sql(
        f"select {column} from (select {column}, row_number() over () as n from rows) where {column} <> ''"
        f" group by all order by min(n) limit 3"
    ).fetchall()
    facts: dict[str, Any] = {
        "rows": rows,
        "filled": filled,
        "distinct": len(counts),
        "samples": tuple(s for (s,) in samples),
    }
    if not counts:
        return Column(name, kind=Kind.EMPTY, **facts)
    values = [value for value, _ in counts[:2000]]
    words = dict(counts) if len(counts) <= WORDS else None
    if formats := _time_formats(connection, name, values):
        return _time_column(connection, name, formats=formats, values=values, newest=newest, facts=facts)
    kind = _kind(values)
    has_point = kind is Kind.NUMBER and any("." in value for value in values)
    return Column(name, kind=kind, words=words, has_point=has_point, **facts)


def _time_column(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    formats: Sequence[str],
    values: Sequence[str],
    newest: date | None,
    facts: Mapping[str, Any],
) -> Column:
    spans = {}
    for one in formats:
        read = parsed_time(f"trim({quoted(name)})", one)
        query = f"select min({read}), max({read}), quantile_disc({read}, 0.98) from rows"
        spans[one] = connection.sql(query).fetchall()[0]
    # Days that follow a file's own date, or are long past, are read the wrong way round.
    fitting = [
        one
        for one, (*_, usual) in spans.items()
        if newest and newest - NEAR <= usual.date() <= newest + timedelta(days=1)
    ]
    likely = fitting if len(fitting) == 1 else list(formats)
    chosen = likely[0]
    first, last, usual_last = spans[chosen]
    has_clock = any(mark in chosen for mark in "HI") or chosen.startswith("unix")
    if chosen == "iso":
        has_clock = any(":" in value for value in values)
    return Column(
        name,
        kind=Kind.TIME if has_clock else Kind.DAY,
        format=chosen,
        other_format=likely[1] if len(likely) > 1 else "",
        has_zone=chosen.startswith("unix") or all(ZONE.search(value) for value in values),
        first=str(first),
        last=str(last),
        usual_last=str(usual_last),
        **facts,
    )


def _kind(values: Sequence[str]) -> Kind:
    patterns = {
        Kind.FLAG: r"(?i)true|false",
        Kind.NUMBER: r"\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\s*",
        Kind.COMMA_NUMBER: r"\s*[+-]?\d{1,3}(\.?\d{3})*(,\d+)?\s*",
        Kind.OBJECT: r"(?s)\{.*\}",
        Kind.LIST: r"(?s)\[.*\]",
    }
    for kind, pattern in patterns.items():
        fits = sum(1 for value in values if re.fullmatch(pattern, value))
        if is_nearly_all(fits, len(values)):
            return kind
    return Kind.TEXT


def _time_formats(connection: duckdb.DuckDBPyConnection, name: str, values: Sequence[str]) -> list[str]:
    """Formats that nearly all values have, the likeliest first."""
    likely = [value for value in values if re.search(r"\d", value) and 6 <= len(value.strip()) <= 40]
    if not is_nearly_all(len(likely), len(values)):
        return []
    if all(value.strip().isdigit() for value in likely):
        return [form for form in _of_digits(likely) if form in DIGITS or TIME_NAME.search(name.lower())][:1]
    if all(re.fullmatch(r"\s*[+-]?[\d.,]+\s*", value) for value in likely) and "." not in name:
        # 12.05 may be a price: a date has two separators.
        likely = [value for value in likely if len(re.findall(r"[./-]", value)) == 2]
    if not is_nearly_all(len(likely), len(values)):
        return []
    connection.register("likely", pa.table({"value": [value.strip() for value in likely]}))
    shapes = {re.sub("[A-Za-z0-9]", "", value.strip()) for value in likely[:100]}
    candidates = ["iso", *(form for form in SEPARATED if re.sub("%.|[A-Za-z]", "", form) in shapes)]
    possible = "between timestamp '1900-01-01' and timestamp '2200-01-01'"
    fits = ", ".join(f"count(*) filter ({parsed_time('value', form)} {possible})" for form in candidates)
    counts = connection.sql(f"select {fits} from likely").fetchall()[0]
    most = max(counts)
    if not is_nearly_all(most, len(likely)):
        return []
    return [form for form, count in zip(candidates, counts, strict=True) if count == most][:2]


def _of_digits(values: Sequence[str]) -> list[str]:
    found = []
    numbers = [int(value) for value in values]
    texts = [value.strip() for value in values]
    # Of the years 1990 to 2100.
    seconds = 631_152_000, 4_102_444_800
    ranges = {"unix_seconds": seconds, "unix_milliseconds": (seconds[0] * 1000, seconds[1] * 1000)}
    for form, (least, most) in ranges.items():
        if all(least <= number <= most for number in numbers):
            found.append(form)
    for form, length in zip(DIGITS, (8, 12, 14), strict=True):
        days = [
            text for text in texts if len(text) == length and re.match(r"(19|20)\d\d(0[1-9]|1[0-2])", text)
        ]
        if is_nearly_all(len(days), len(texts)):
            found.append(form)
    return found
