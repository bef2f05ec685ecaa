"""Differences between two releases: rows, stock, FAST metrics and columns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.core.database import connect, sql_text
from orchestration.publish.marts import mart_names
from orchestration.publish.query import Result, to_json, to_text

COLUMNS = """
    select table_name, column_name, data_type from duckdb_columns()
    where database_name = '{side}' and schema_name = 'main'
"""
SCHEMA = f"""
    with a as ({COLUMNS.format(side="a")}), b as ({COLUMNS.format(side="b")})
    select table_name as mart, column_name as "column", a.data_type as before, b.data_type as after
    from a full outer join b using (table_name, column_name)
    order by all
"""
STOCK = """
    with last_days as (
        select 'a' as side, preset, brand_id, max(as_of_date) as last_day
        from a.main.fct_aipl_daily group by all
        union all
        select 'b', preset, brand_id, max(as_of_date)
        from b.main.fct_aipl_daily group by all
    ),

    days as (
        select
            preset,
            brand_id,
            case when count(*) = 2 then min(last_day) end as common_day,
            max(case when side = 'a' then last_day end) as last_a,
            max(case when side = 'b' then last_day end) as last_b
        from last_days
        group by all
    ),

    told as (
        select 'a' as side, preset, brand_id, as_of_date, stage, stage_rank, persons
        from a.main.fct_aipl_daily
        union all
        select 'b', preset, brand_id, as_of_date, stage, stage_rank, persons
        from b.main.fct_aipl_daily
    ),

    figures as (
        select
            preset,
            brand_id as brand,
            stage,
            max(stage_rank) as stage_rank,
            common_day,
            max(persons) filter (side = 'a' and as_of_date = common_day) as before,
            max(persons) filter (side = 'b' and as_of_date = common_day) as after,
            last_a as last_day_before,
            max(persons) filter (side = 'a' and as_of_date = last_a) as last_before,
            last_b as last_day_after,
            max(persons) filter (side = 'b' and as_of_date = last_b) as last_after
        from told
        inner join days using (preset, brand_id)
        where as_of_date in (common_day, last_a, last_b)
        group by all
    )

    select
        preset, brand, stage, common_day, before, after, after - before as change,
        last_day_before, last_before, last_day_after, last_after
    from figures
    order by preset, brand, stage_rank, stage
"""
FAST = """
    with metrics_a as (select {keys}, {metrics} from a.main.fct_fast),
    metrics_b as (select {keys}, {metrics} from b.main.fct_fast),
    a as (from metrics_a unpivot include nulls (figure for metric in (columns(* exclude ({keys}))))),
    b as (from metrics_b unpivot include nulls (figure for metric in (columns(* exclude ({keys}))))),

    both_sides as (
        select
            preset,
            brand_id as brand,
            period_type as period,
            period_start as begins,
            metric,
            a.figure as before,
            b.figure as after,
            b.figure - a.figure as change
        from a inner join b using ({keys}, metric)
    )

    select * from both_sides
    qualify begins = max(begins) over (partition by preset, brand, period)
    order by preset, brand, period, metric
"""
STOCK_COLUMNS = ("preset", "brand_id", "as_of_date", "stage", "stage_rank", "persons")
FAST_KEYS = ("preset", "brand_id", "period_type", "period_start")
NUMERIC = re.compile("BIGINT|INTEGER|DOUBLE|HUGEINT|DECIMAL.*")


@dataclass(frozen=True)
class Difference:
    """Four tables, `a` being told as before and `b` as after; `lacking` are marts of which a release, made
    by another program, does not have what there is to compare.

    `rows`: a row a mart. `stock`: a row a preset, brand and stage, on the last day that both tell and on the
    last day of each. `fast`: a row a preset, brand, metric and last period that both tell. `schema`: a row a
    column. NULL is what a release does not have.
    """

    rows: Result
    stock: Result
    fast: Result
    schema: Result
    lacking: tuple[str, ...]


def difference(a: Path, b: Path) -> Difference:
    """Compare two release folders."""
    with connect() as connection:
        for side, folder in (("a", a), ("b", b)):
            connection.execute(f"attach {sql_text(folder / 'marts.duckdb')} as {side} (read_only)")
        schema = _answer(connection, SCHEMA)
        found = {"fct_aipl_daily": _stock(connection, schema), "fct_fast": _fast(connection, schema)}
        nothing = Result([], [], None)
        return Difference(
            rows=_rows(connection),
            stock=found["fct_aipl_daily"] or nothing,
            fast=found["fct_fast"] or nothing,
            schema=schema,
            lacking=tuple(mart for mart, table in found.items() if table is None),
        )


def difference_text(a: str, b: str, found: Difference) -> str:
    """The differences as text, one table per topic, with the number of equal rows."""
    parts = [
        f"From release {a} (before) to {b} (after)",
        _topic("Rows", found.rows, "marts", lambda row: row["before"] != row["after"]),
        _topic("Stock, persons", found.stock, "stages", _is_other_stock),
        _topic(
            "FAST of the last common period", found.fast, "metrics", lambda row: row["before"] != row["after"]
        ),
        _topic("Columns and their types", found.schema, "columns", lambda row: row["before"] != row["after"]),
    ]
    parts += [f"Not compared, because one of them lacks it: {mart}\n" for mart in found.lacking]
    return "\n".join(parts)


def difference_json(a: str, b: str, found: Difference) -> str:
    """The comparison as one JSON object; each topic is an array of all rows, including equal ones."""
    topics = [
        f'"{topic}": {to_json(getattr(found, topic)).decode().strip()}'
        for topic in ("rows", "stock", "fast", "schema")
    ]
    return "{" + ",\n".join([f'"before": "{a}", "after": "{b}"', *topics]) + "}\n"


def _topic(title: str, table: Result, things: str, differs: Callable[[dict[str, object]], bool]) -> str:
    other = [
        tuple(map(_short, row)) for row in table.rows if differs(dict(zip(table.columns, row, strict=True)))
    ]
    equal = f"{len(table.rows) - len(other):,} {things} are equal\n"
    return f"{title}\n{to_text(Result(table.columns, other, None)).decode() if other else ''}{equal}"


def _short(value: object) -> object:
    """Six digits of a fraction; none of a whole number."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return int(value) if value.is_integer() else round(value, 6)


def _is_other_stock(row: dict[str, object]) -> bool:
    pairs = (("before", "after"), ("last_before", "last_after"), ("last_day_before", "last_day_after"))
    return any(row[before] != row[after] for before, after in pairs)


def _stock(connection: duckdb.DuckDBPyConnection, schema: Result) -> Result | None:
    has_all = set(STOCK_COLUMNS) <= _shared(schema, "fct_aipl_daily").keys()
    return _answer(connection, STOCK) if has_all else None


def _fast(connection: duckdb.DuckDBPyConnection, schema: Result) -> Result | None:
    shared = _shared(schema, "fct_fast")
    metrics = [name for name, types in shared.items() if all(NUMERIC.fullmatch(kind) for kind in types)]
    if not set(FAST_KEYS) <= shared.keys() or not metrics:
        return None
    columns = ", ".join(f'cast("{name}" as double) as "{name}"' for name in metrics)
    return _answer(connection, FAST.format(keys=", ".join(FAST_KEYS), metrics=columns))


def _shared(schema: Result, mart: str) -> dict[str, tuple[str, str]]:
    """Columns of a mart that both releases have, with the types in both."""
    return {
        name: (before, after)
        for table, name, before, after in schema.rows
        if table == mart and before and after
    }


def _rows(connection: duckdb.DuckDBPyConnection) -> Result:
    counts = {side: _counts(connection, side) for side in ("a", "b")}
    rows = []
    for mart in sorted(counts["a"].keys() | counts["b"].keys()):
        before, after = counts["a"].get(mart), counts["b"].get(mart)
        rows.append((mart, before, after, None if before is None or after is None else after - before))
    return Result(["mart", "before", "after", "change"], rows, None)


def _counts(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, int]:
    counts = {}
    for mart in mart_names(connection, side):
        row = connection.execute(f'select count(*) from {side}.main."{mart}"').fetchone()
        counts[mart] = row[0] if row else 0
    return counts


def _answer(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    answer = connection.execute(sql)
    return Result([column[0] for column in answer.description or []], answer.fetchall(), None)
