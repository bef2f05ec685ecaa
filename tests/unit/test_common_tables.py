"""How a select is split for Spark, which evaluates a common table expression each time it is referenced."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from sql_macros import engine_macros

SQL = """-- A comment with a ) in it.
with first as (
    select ')' as a, '\\\\' as b, coalesce(x, (1)) as c -- it's (
    from raw
),

second as (
    select * from first
    union all
    select * from first
)

select * from second join first using (a)"""


MACROS = engine_macros("spark", "engine/spark_tables.sql")


def taken_apart(sql: str) -> dict[str, Any]:
    parsed: dict[str, Any] = ast.literal_eval(MACROS.common_tables(sql).strip())
    return parsed


def with_tables(select: str) -> str:
    tables = [("a", "select 1"), ("b", "select * from a"), ("c", "select 2")]
    return str(MACROS.with_tables(tables, select)).strip()


def test_a_select_is_taken_apart() -> None:
    parsed = taken_apart(SQL)
    assert [name for name, _ in parsed["tables"]] == ["first", "second"]
    assert [body.split()[:2] for _, body in parsed["tables"]] == [["select", "')'"], ["select", "*"]]
    assert parsed["select"].strip() == "select * from second join first using (a)"
    assert parsed["after"][0].count("from first") == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select a, (select max(b) from t) from t",
        "(select 1) union all (select 2)",
        "with recursive up (a) as (select 1 union all select a + 1 from up) select * from up",
    ],
)
def test_what_has_none_stays_whole(sql: str) -> None:
    assert taken_apart(sql) == {"tables": [], "after": [], "select": sql}


def test_only_what_is_read_is_written_before_a_select() -> None:
    assert with_tables("select * from b") == "with a as (select 1), b as (select * from a) select * from b"
    assert with_tables("select 3") == "select 3"
