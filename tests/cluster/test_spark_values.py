"""Expressions in which engines differ: the macros give the same value on DuckDB and on Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sql_macros import engine_macros

from cluster.spark_server import needs_spark, spark_server
from orchestration.arrival.readers import parse_to_parquet
from orchestration.build.engine.on_spark import OnSpark
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings
from orchestration.sources.table import Table

pytestmark = needs_spark

FILES = (
    "engine/functions.sql",
    "engine/spark.sql",
    "split_amount.sql",
    "staging/business_time.sql",
    "staging/numbers.sql",
    "staging/roles.sql",
    "staging/text_times.sql",
)
ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Shanghai")
TEXT = {"duckdb": "varchar", "spark": "string"}
TIMES = [
    # Shown twice, skipped, and the hours around them.
    "2024-11-03 00:30:00",
    "2024-11-03 01:30:00",
    "2024-11-03 02:30:00",
    "2024-03-10 02:30:00",
    "2024-04-07 01:45:00",
    "2018-11-04 00:30:00",
    "2018-02-17 23:30:00",
    "2024-01-05T10:00:00.5",
    "2024/1/5 9:05",
    "24-01-05 10:00",
    "2024-01-05 24:00:00",
    "2024-01-05",
    " 2024-01-05 10:00 ",
    "2024-01-05 10:00:00Z",
    "2024-01-05 10:00:00+08:00",
    "2024-01-05T10:00 -0530",
    "2024-01-05 10:00:00+15:00",
    "2024",
    "2024-01",
    "10:00",
    "2024-02-30 10:00",
    "2024-01-05 25:00",
    "2024-01-05 10:00 America/New_York",
    "20240105",
    "",
    "x",
]
DAYS = [
    "2024-01-05",
    "2024/01/05",
    "2024-1-5",
    "2024-01-05 10:00",
    "2024-01-05x",
    "2024-02-30",
    "2024",
    "2024-01",
    "x",
    "",
]
NUMBERS = ["4.6", "4", " 7 ", "5.", "5.00", "+5", "-3", "1e3", "0x1A", "99999999999", "1_000", "", "x", "٣"]
MONEY = ["1.00005", "1.5", " 7 ", ".5", "5.", "1e3", "1_000", "123456789012345", "NaN", "1,5", "", "x"]
DOUBLES = [0.00015, 0.00005, 1.00005, 2.00005, -0.00015, 2.5, 123456.78905, 1.0000005]
IDS = [
    "a1",
    " a1 ",
    "'a1",
    '="001"',
    '"x"',
    "12.0",
    "12.50",
    "a\u200bb",
    "\u00a0a\u00a0",
    "a'b",
    "a\tb",
    "it's",
    "\\N",
    "",
]


def zoned(function: str) -> list[tuple[str, str, list[Any], Callable[[Any], str]]]:
    return [
        (f"{function} {zone}", zone, TIMES, lambda m: getattr(m, function)("t", "shop")) for zone in ZONES
    ]


PROBES = [
    *zoned("utc_from_local"),
    ("date", "UTC", DAYS, lambda m: m.try_cast("t", "date")),
    ("time of a time", "UTC", TIMES[:6], lambda m: m.try_cast("cast(t as timestamp)", "timestamp")),
    ("day of a time", "UTC", TIMES[:6], lambda m: m.try_cast("cast(t as timestamp)", "date")),
    ("day of a day", "UTC", DAYS[:1], lambda m: m.try_cast("cast(t as date)", "date")),
    ("integer", "UTC", NUMBERS, lambda m: m.try_cast("t", "integer")),
    ("bigint", "UTC", NUMBERS, lambda m: m.try_cast("t", "bigint")),
    ("decimal", "UTC", MONEY, lambda m: m.try_cast("t", "decimal(18, 4)")),
    ("decimal of double", "UTC", DOUBLES, lambda m: m.decimal_of_double("t", 18, 4)),
    ("nine digits", "UTC", DOUBLES, lambda m: m.decimal_of_double("t", 38, 9)),
    ("six digits", "UTC", DOUBLES, lambda m: m.decimal_of_double("t", 38, 6)),
    ("decimal of a raw double", "UTC", DOUBLES, lambda m: m.try_cast("t", "decimal(18, 4)")),
    ("boolean", "UTC", ["yes", "n", "TRUE", "1", "on", "2", ""], lambda m: m.try_cast("t", "boolean")),
    ("unix", "UTC", ["0", "1709164800", "1.5", "253402300800", "x"], lambda m: m.utc_from_unix("t")),
    (
        "unix in ms",
        "UTC",
        ["0", "1709164800500", "1.5", "x"],
        lambda m: m.utc_from_text("t", "shop", "unix_milliseconds"),
    ),
    ("id", "UTC", IDS, lambda m: m.clean_id("t")),
    ("scientific", "UTC", ["5e12", "5E+12", "1.5e+3", "x"], lambda m: m.is_scientific("t")),
    ("currency", "UTC", ["EUR", "eur", "EURO", "EUR\n"], lambda m: m.is_currency_code("t")),
    ("comma", "UTC", ["1.234,5", "12,50", "1 234,5", "1.23", "x"], lambda m: m.plain_number("t", ",")),
    ("point", "UTC", ["1,234.5", "12.50", "1'234.5", "1,23", "x"], lambda m: m.plain_number("t", ".")),
    ("weekday", "UTC", ["2024-01-07", "2024-01-08"], lambda m: m.iso_weekday("cast(t as date)")),
    ("week", "UTC", ["2024-01-07", "2024-01-08"], lambda m: m.period_start("week", "cast(t as date)")),
    ("quarter", "UTC", ["2024-01-07", "2024-12-31"], lambda m: m.period_end("quarter", "cast(t as date)")),
    (
        "hour",
        "America/New_York",
        TIMES[:8],
        lambda m: m.hour_in_zone("cast(t as timestamp)", "America/New_York"),
    ),
    (
        "share",
        "UTC",
        [0.005, 0.333333335, 0.5],
        lambda m: m.split_amount("cast(100.01 as decimal(18, 4))", "0", "t"),
    ),
    ("text", "UTC", ["x"], lambda m: m.text_literal("it's \\n \\\\ \"")),
    (
        "bits",
        "UTC",
        [2**n - d for n in range(1, 31) for d in (0, 1)],
        lambda m: "cast(floor(log2(t)) as integer)",
    ),
    ("sum of decimals", "UTC", ["1.0050"], lambda m: "round(cast(t as decimal(18, 4)), 2)"),
]


def query(engine: str, zone: str, values: list[Any], expression: Callable[[Any], str]) -> str:
    macros = engine_macros(engine, *FILES, zone=zone)
    kind = {float: "double", int: "bigint"}.get(type(values[0]), TEXT[engine])
    # One relation of all values: of a union Spark would optimize each branch with its own long expression.
    given = ", ".join(
        f"({number}, cast({macros.text_literal(str(value))} as {kind}))"
        for number, value in enumerate(values)
    )
    shown = f"cast({expression(macros)} as {TEXT[engine]})"
    return f"select n, {shown} as v from (values {given}) as given (n, t)"


def all_of(engine: str) -> str:
    parts = (
        f"select {number} as p, * from ({query(engine, *probe[1:])}) as one"
        for number, probe in enumerate(PROBES)
    )
    return f"select p, n, v from ({' union all '.join(parts)}) as probes order by p, n"


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with spark_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.mark.parametrize("table_format", ["delta", "iceberg"])
def test_a_cluster_that_cannot_write_the_format_is_told(
    remote: str, tmp_path: Path, table_format: str
) -> None:
    with pytest.raises(EnvironmentStop, match=f"data source: {table_format}"):
        OnSpark(remote, table_format).finish(Settings(tmp_path, tmp_path / "sources.yml"), "")


def test_raw_of_any_parquet_dump_is_read(remote: str, tmp_path: Path) -> None:
    times = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "Asia/Shanghai")]
    kinds = [
        *times,
        *(of(pa.timestamp("ns")) for of in (pa.list_, pa.large_list, lambda kind: pa.struct([("at", kind)]))),
        pa.map_(pa.string(), pa.timestamp("ns")),
        *(pa.time32("s"), pa.time64("us"), pa.time64("ns"), pa.date32(), pa.date64(), pa.duration("ns")),
        *(
            pa.uint8(),
            pa.uint16(),
            pa.uint32(),
            pa.uint64(),
            pa.int8(),
            pa.float16(),
            pa.float32(),
            pa.bool_(),
        ),
        *(pa.decimal128(38, 9), pa.decimal256(50, 3)),
        *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary(4), pa.uuid()),
        *(pa.dictionary(pa.int32(), pa.string()), pa.null()),
    ]
    dump, raw = tmp_path / "dump.parquet", tmp_path / "raw.parquet"
    pq.write_table(pa.table({f"c{at}": pa.nulls(2, kind) for at, kind in enumerate(kinds)}), dump)
    columns = {"required": ["c0"], "optional": [f"c{at}" for at in range(1, len(kinds))]}
    declared = Table.model_validate({"files": "*", "format": "parquet", "columns": columns})
    parse_to_parquet(declared, dump, dump.name, date(2024, 1, 5), parsed=raw, rejects=tmp_path / "rejects")
    counts = ", ".join(f"count(c{at})" for at in range(len(kinds)))
    assert asked(remote, f"select count(*), {counts} from parquet.`{raw}`") == [[2, *[0] * len(kinds)]]


def test_values_are_those_of_duckdb(remote: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        expected = [list(row) for row in connection.execute(all_of("duckdb")).fetchall()]
    found = asked(remote, all_of("spark"))
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    differing = [
        f"{PROBES[p][0]}: {PROBES[p][2][n]!r} is {value!r} on DuckDB, {other!r} on Spark"
        for (p, n, value), (_, _, other) in zip(expected, found, strict=True)
        if value != other
    ]
    assert not differing, "\n".join(differing)


def asked(remote: str, statement: str) -> list[Sequence[Any]]:
    _, rows = OnSpark(remote).rows(Settings(Path(), Path()), statement, 1000)
    return rows
