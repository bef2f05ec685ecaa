"""The core on a cluster: what a full build and nights after it make of it is DuckDB's, row for row.

A worker dies while it builds. `make prove-spark` compares all marts of more nights.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_homes import differing
from warehouse import OwnWarehouse, Warehouse

from cluster.cluster_warehouse import ClusterWarehouse
from cluster.shop import Shop
from cluster.spark_server import killed_while_building, needs_spark, spark_cluster

pytestmark = [needs_spark, pytest.mark.slow, pytest.mark.timeout(2400)]

CORE = ("fct_aipl_daily", "fct_aipl_flow", "fct_fast")


def night(warehouse: Warehouse, shop: Shop) -> bool:
    warehouse.load("sample_shop", shop.dumps)
    return warehouse.build(only=CORE)


def shorten_interest(warehouse: Warehouse) -> None:
    """A rule changes: a product view makes interest for three days, and no longer for fifteen."""
    rules = warehouse.settings.dbt_project / "seeds" / "aipl_rules.csv"
    before = rules.read_text()
    after = before.replace("i_product_view,I,touch,product_view,15", "i_product_view,I,touch,product_view,3")
    assert after != before
    rules.write_text(after)


def test_the_core_is_that_of_duckdb(tmp_path: Path) -> None:
    shop = Shop.opened(tmp_path / "dumps", late_loads=2)
    shop.write_sources(tmp_path / "sources.yml")
    with spark_cluster(tmp_path, workers=2) as cluster:
        here = OwnWarehouse.make(tmp_path / "duckdb", tmp_path / "sources.yml")
        own = OwnWarehouse.make(tmp_path / "spark", tmp_path / "sources.yml")
        there = ClusterWarehouse(own.home, own.sources_file, cluster.remote)

        with killed_while_building(there.home, cluster):
            assert night(there, shop) and night(here, shop)
        lines, tables, rows = differing(there.home, here.home, of_both=True)
        assert lines == [] and tables > 30 and rows > 10_000

        shop.deliver_late_loads()
        shop.correct_orders()
        shop.withdraw("refunds", "memberships", "identity_links")
        shorten_interest(there)
        shorten_interest(here)
        assert not night(there, shop) and not night(here, shop)
        assert differing(there.home, here.home, of_both=True)[0] == []
