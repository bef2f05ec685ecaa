"""The accounts of a build, against rows that are counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.build.rejects import (
    build_of_rejects,
    keep_rejects,
    kept_changes,
    kept_rejects,
    read_kept,
)
from orchestration.build.state import Build, write_build
from orchestration.commands.rejects_text import accounts_text
from orchestration.core.settings import Settings
from orchestration.nightly.summary import staged_rejects
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import Staged, staged

WAREHOUSE = """
    create schema staging;
    create schema intermediate;
    create view staging.stg_shop__orders as select 1 as x;
    create view staging.stg_other__orders as select 1 as x;
    create table intermediate.int_orders as
        select * from
            (values
                ('shop', 'a', true, 'order_id spelling, amount sign'), ('shop', 'a', false, 'amount sign'),
                ('shop', 'b', true, null), ('other', 'a', true, null))
            as rows (source_id, _file, is_current, cleaned);
    create table intermediate.int_orders_attributed as select * from intermediate.int_orders;
    create table intermediate.int_rejects as
        select 'shop' as source_id, 'orders' as entity, 'no id' as reason, '{}' as raw_row,
            date '2024-01-02' as _load_date, 'b' as _file, 7 as _row;
"""
FILES = """
    select * from (values ('shop', 'lines', 'a', 3), ('shop', 'lines', 'b', 2), ('other', 'docs', 'a', 1))
        as rows (source_id, table_name, file, row_count)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    for folder in (settings.arrival, settings.warehouse.parent):
        folder.mkdir(parents=True)
    duckdb.sql(FILES).write_parquet(str(settings.arrival / "files.parquet"))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    return settings


def test_rows_of_raw_are_current_superseded_rejected_or_joined(settings: Settings) -> None:
    assert staged(settings) == [] and build_of_rejects(settings) is None
    keep_rejects(settings, "first")
    shop = Staged("shop", "lines", "orders", raw=5, current=2, superseded=1, rejected=1)
    assert staged(settings) == [Staged("other", "docs", "orders", 1, 1, 0, 0), shop]
    assert staged(settings, "shop") == [shop] and (shop.joined, shop.split) == (1, 0)
    assert pq.read_table(kept_rejects(settings))["_row"].to_pylist() == [7]
    columns = ("source_id", "table_name", "entity", "column", "kind", "rows")
    assert read_kept(kept_changes(settings)).to_pylist() == [
        dict(zip(columns, ("shop", "lines", "orders", *changed), strict=True))
        for changed in (("amount", "sign", 2), ("order_id", "spelling", 1))
    ]
    assert build_of_rejects(settings) == "first"


def test_rows_of_several_items_are_split(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "insert into intermediate.int_orders select 'other', 'a', true, null from range(3)"
        )
    keep_rejects(settings, "first")
    other = staged(settings, "other")[0]
    assert (other.raw, other.current, other.joined, other.split) == (1, 4, 0, 3)


def test_a_build_that_stopped_tells_what_it_rejected_if_it_came_so_far(settings: Settings) -> None:
    keep_rejects(settings, "first")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update intermediate.int_rejects set reason = 'another'")
    before = staged(settings)
    keep_rejects(settings, "second", ["int_orders"])
    assert build_of_rejects(settings) == "first", "the rejects are those of the first build"
    assert staged(settings) == before
    keep_rejects(settings, "third", ["int_rejects"])
    assert build_of_rejects(settings) == "third"
    assert staged(settings) == [], "no entity was counted"
    keep_rejects(settings, "third", ["int_rejects", "int_orders"])
    assert staged(settings) == before
    assert pq.read_table(kept_rejects(settings))["reason"].to_pylist() == ["another"]


def test_the_summary_counts_what_aipl_rejects_does(settings: Settings) -> None:
    loads = [("shop", date(2024, 1, 2))]
    write_build(settings, Build("building", "rules", "second"))
    keep_rejects(settings, "first")
    assert staged_rejects(settings, loads) is None, "those are of an older build"
    keep_rejects(settings, "second")
    assert staged_rejects(settings, loads) == {"no id": 1}
    assert find_rejects(settings, Selection()).by_reason() == {("shop", "orders", "staging", "no id"): 1}
    assert staged_rejects(settings, [("shop", date(2024, 1, 3))]) == {}
    assert "the last build, which did not finish, =" in accounts_text(settings, None)
    write_build(settings, Build("complete", "rules", "second"))
    assert "Raw rows in the last build = " in accounts_text(settings, None)
