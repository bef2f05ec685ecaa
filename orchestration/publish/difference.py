"""Differences between two releases: rows, stock, FAST metrics and columns."""

from __future__ import annotations

import math
import re
from pathlib import Path

import duckdb

from orchestration.core.database import connect, sql_text
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.publish.marts import marts_with_rows
from orchestration.publish.query import Result, to_json, to_text
from orchestration.publish.releases import find_folder, find_release

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
    with told as (
        select 'a' as side, preset, brand_id, as_of_date, stage, stage_rank, persons
        from a.main.fct_aipl_daily
        union all
        select 'b', preset, brand_id, as_of_date, stage, stage_rank, persons
        from b.main.fct_aipl_daily
    ),

    days as (
        select
            preset,
            brand_id,
            max(as_of_date) filter (side = 'a') as last_a,
            max(as_of_date) filter (side = 'b') as last_b,
            case when count(distinct side) = 2 then least(last_a, last_b) end as common_day
        from told
        group by preset, brand_id
    )

    select
        preset,
        brand_id as brand,
        stage,
        common_day,
        max(persons) filter (side = 'a' and as_of_date = common_day) as before,
        max(persons) filter (side = 'b' and as_of_date = common_day) as after,
        after - before as change,
        last_a as last_day_before,
        max(persons) filter (side = 'a' and as_of_date = last_a) as last_before,
        last_b as last_day_after,
        max(persons) filter (side = 'b' and as_of_date = last_b) as last_after
    from told
    inner join days using (preset, brand_id)
    where as_of_date in (common_day, last_a, last_b)
    group by all
    order by preset, brand, max(stage_rank), stage
"""
FAST = """
    with metrics_a as (select {keys}, {metrics} from a.main.fct_fast),
    metrics_b as (select {keys}, {metrics} from b.main.fct_fast),
    a as (from metrics_a unpivot include nulls (figure for metric in (columns(* exclude ({keys}))))),
    b as (from metrics_b unpivot include nulls (figure for metric in (columns(* exclude ({keys})))))

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
    qualify begins = max(begins) over (partition by preset, brand, period)
    order by preset, brand, period, metric
"""
STOCK_COLUMNS = {"preset", "brand_id", "as_of_date", "stage", "stage_rank", "persons"}
FAST_KEYS = ("preset", "brand_id", "period_type", "period_start")
NUMERIC = re.compile("BIGINT|INTEGER|DOUBLE|HUGEINT|DECIMAL.*")
# Topics of a comparison: their titles, and what their rows are about.
TOPICS = {
    "rows": ("Rows", "marts"),
    "stock": ("Stock, persons", "stages"),
    "fast": ("FAST of the last common period", "metrics"),
    "schema": ("Columns and their types", "columns"),
}
PAIRS = (("before", "after"), ("last_before", "last_after"), ("last_day_before", "last_day_after"))


def compared(settings: Settings, before: str | None, after: str | None) -> tuple[Path, Path]:
    """Folders of two releases: the current one where `after` is not named, the one it followed for `before`.

    Raises InputError for a release that is not there.
    """
    new = find_release(settings, after)
    old = before or new.manifest.get("previous_release_id")
    if old is None:
        raise InputError(
            f"Release {new.release_id} is the first, so there is no earlier one to compare with."
        )
    return find_folder(settings, old), new.folder


def difference(a: Path, b: Path) -> tuple[dict[str, Result], list[str]]:
    """Compare two release folders: tables by topic, `a` being told as before and `b` as after.

    `rows`: a row a mart. `stock`: a row a preset, brand and stage, on the last day that both tell and on the
    last day of each. `fast`: a row a preset, brand, metric and last period that both tell. `schema`: a row a
    column. NULL is what a release does not have. Also returns the marts of which a release, made by another
    program, does not have what there is to compare.
    """
    with connect() as connection:
        for side, folder in (("a", a), ("b", b)):
            connection.execute(f"attach {sql_text(folder / 'marts.duckdb')} as {side} (read_only)")
        schema = _answer(connection, SCHEMA)
        rows, none = _rows(connection, a, b), Result([], [])
        found = {"rows": rows, "stock": none, "fast": none, "schema": schema}
        lacking = []
        if _shared(schema, "fct_aipl_daily").keys() >= STOCK_COLUMNS:
            found["stock"] = _answer(connection, STOCK)
        else:
            lacking.append("fct_aipl_daily")
        columns = _shared(schema, "fct_fast")
        metrics = [
            f'cast("{name}" as double) as "{name}"'
            for name, types in columns.items()
            if all(NUMERIC.fullmatch(kind) for kind in types)
        ]
        if columns.keys() >= set(FAST_KEYS) and metrics:
            query = FAST.format(keys=", ".join(FAST_KEYS), metrics=", ".join(metrics))
            found["fast"] = _answer(connection, query)
        else:
            lacking.append("fct_fast")
        return found, lacking


def difference_text(a: Path, b: Path) -> str:
    """The differences of two release folders as text, one table per topic, with the number of equal rows."""
    found, lacking = difference(a, b)
    parts = [f"From release {a.name} (before) to {b.name} (after)"]
    for topic, (title, things) in TOPICS.items():
        table = found[topic]
        other = [row for row in table.rows if _differs(dict(zip(table.columns, row, strict=True)))]
        shown = Result(table.columns, [tuple(map(_short, row)) for row in other])
        equal = f"{len(table.rows) - len(other):,} {things} are equal\n"
        parts.append(f"{title}\n{to_text(shown).decode() if other else ''}{equal}")
    parts += [f"Not compared, because one of them lacks it: {mart}\n" for mart in lacking]
    return "\n".join(parts)


def difference_json(a: Path, b: Path) -> str:
    """The comparison as one JSON object; each topic is an array of all rows, including equal ones."""
    found, _ = difference(a, b)
    topics = [f'"{topic}": {to_json(found[topic]).decode().strip()}' for topic in TOPICS]
    return "{" + ",\n".join([f'"before": "{a.name}", "after": "{b.name}"', *topics]) + "}\n"


def _short(value: object) -> object:
    """Six digits of a fraction; none of a whole number."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return int(value) if value.is_integer() else round(value, 6)


def _differs(row: dict[str, object]) -> bool:
    return any(row[before] != row[after] for before, after in PAIRS if before in row)


def _shared(schema: Result, mart: str) -> dict[str, tuple[str, str]]:
    """Columns of a mart that both releases have, with the types in both."""
    return {
        name: (before, after)
        for table, name, before, after in schema.rows
        if table == mart and before and after
    }


def _rows(connection: duckdb.DuckDBPyConnection, a: Path, b: Path) -> Result:
    before, after = (
        {
            mart: connection.execute(f'select count(*) from {side}.main."{mart}"').fetchall()[0][0]
            for mart in marts_with_rows(connection, side, folder)
        }
        for side, folder in (("a", a), ("b", b))
    )
    rows: list[tuple[object, ...]] = []
    for mart in sorted(before.keys() | after.keys()):
        change = after[mart] - before[mart] if mart in before.keys() & after.keys() else None
        rows.append((mart, before.get(mart), after.get(mart), change))
    return Result(["mart", "before", "after", "change"], rows)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    answer = connection.execute(sql)
    return Result([column[0] for column in answer.description or []], answer.fetchall())
