"""The accounts of a build, against rows that are counted by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from orchestration.build.rejects import keep_rejects, kept_changes, kept_rejects, read_kept
from orchestration.core.settings import Settings
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


def test_rows_of_raw_are_current_superseded_rejected_or_joined(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    for folder in (settings.arrival, settings.warehouse.parent):
        folder.mkdir(parents=True)
    for name in ("files", "applied"):
        duckdb.sql(FILES).write_parquet(str(settings.arrival / f"{name}.parquet"))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    assert staged(settings) == []
    keep_rejects(settings)
    shop = Staged("shop", "lines", "orders", raw=5, current=2, superseded=1, rejected=1)
    assert staged(settings) == [Staged("other", "docs", "orders", 1, 1, 0, 0), shop]
    assert staged(settings, "shop") == [shop] and shop.joined == 1
    assert pq.read_table(kept_rejects(settings))["_row"].to_pylist() == [7]
    columns = ("source_id", "table_name", "entity", "column", "kind", "rows")
    assert read_kept(kept_changes(settings)).to_pylist() == [
        dict(zip(columns, ("shop", "lines", "orders", *changed), strict=True))
        for changed in (("amount", "sign", 2), ("order_id", "spelling", 1))
    ]
