"""Run one SELECT on the current release, read-only and without access to other files."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
from rich.cells import cell_len

from orchestration.core.errors import InputError
from orchestration.core.printable import printable
from orchestration.core.settings import Settings
from orchestration.publish.marts import open_marts
from orchestration.publish.releases import require_current


@dataclass(frozen=True)
class Result:
    """Column names and rows of a result; `arrow` holds the same with types, for `to_parquet`.

    `is_cut` says that a limit left out rows.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    arrow: Any = None
    is_cut: bool = False


def run_query(settings: Settings, sql: str, limit: int | None = None) -> Result:
    """Run one SELECT on the current release, for at most `limit` rows; a later one does not disturb it.

    Raises:
        InputError: there is no release, or this is anything else or bad SQL.
        EnvironmentStop: the release is damaged, or a newer program published it.
    """
    with open_marts(require_current(settings).folder) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError("`aipl query` runs exactly one SELECT; a release is never changed.")
            answer = connection.execute(statements[0])
            columns = [column[0] for column in answer.description or []]
            arrow = answer.to_arrow_table() if limit is None else _first(answer, limit + 1)
        except duckdb.IOException:
            # Not the SQL: `open_marts` tells it.
            raise
        except duckdb.Error as error:
            raise InputError(str(error)) from error
    is_cut = limit is not None and arrow.num_rows > limit
    arrow = arrow.slice(0, limit)
    rows = list(zip(*(column.to_pylist() for column in arrow.columns), strict=True))
    return Result(columns, rows, arrow, is_cut)


def _first(answer: duckdb.DuckDBPyConnection, count: int) -> Any:
    """The first rows of an answer, in Arrow; the rest is not computed where it need not be."""
    import pyarrow as pa

    reader = answer.to_arrow_reader(min(count, 100_000))
    batches, found = [], 0
    while found < count and (batch := next(reader, None)) is not None:
        batches.append(batch)
        found += batch.num_rows
    return pa.Table.from_batches(batches, reader.schema).slice(0, count)


def records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query by column name."""
    answer = connection.execute(sql)
    columns = [column[0] for column in answer.description or []]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def to_csv(result: Result) -> bytes:
    """Comma-separated with a header; NULL is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.rows)
    return text.getvalue().encode()


def to_json(result: Result) -> bytes:
    """One array of objects; dates as ISO text, NULL and what JSON has no number for as null.

    Raises InputError when two columns share a name, since an object would keep only one of them.
    """
    twice = [name for name, times in Counter(result.columns).items() if times > 1]
    if twice:
        raise InputError(f"JSON needs distinct column names: give one {twice[0]!r} an alias.")
    objects = [dict(zip(result.columns, map(_plain, row), strict=True)) for row in result.rows]
    return json.dumps(objects, ensure_ascii=False, indent=1).encode() + b"\n"


def to_parquet(result: Result) -> bytes:
    """Parquet with the types of the result."""
    import pyarrow.parquet

    sink = io.BytesIO()
    pyarrow.parquet.write_table(result.arrow, sink, compression="zstd")
    return sink.getvalue()


def to_text(result: Result) -> bytes:
    """An aligned plain table for terminals: numbers to the right, `-` for NULL, wide characters count two."""
    cells = [result.columns, *(["-" if v is None else printable(str(v)) for v in row] for row in result.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    numeric = [
        any(isinstance(row[position], int | float | Decimal) for row in result.rows)
        for position in range(len(widths))
    ]
    lines = [
        "  ".join(
            " " * (width - cell_len(cell)) + cell if right else cell + " " * (width - cell_len(cell))
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return ("\n".join(lines) + "\n").encode()


FORMATS: dict[str, Callable[[Result], bytes]] = {
    "table": to_text,
    "csv": to_csv,
    "json": to_json,
    "parquet": to_parquet,
}


def _plain(value: Any) -> Any:
    """JSON's own types; text for all others, in lists and structs too."""
    plain: Any = value
    match value:
        case Decimal():
            plain = int(value) if value == value.to_integral_value() else float(value)
        case float() if not math.isfinite(value):
            plain = None
        case date() | datetime() | time():
            plain = value.isoformat()
        case dict():
            plain = {key: _plain(item) for key, item in value.items()}
        case list():
            plain = [_plain(item) for item in value]
        case None | str() | int() | float():
            pass
        case _:
            plain = str(value)
    return plain
