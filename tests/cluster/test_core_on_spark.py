"""The law of increments on a cluster, of the core: row for row what DuckDB makes of the same worlds.

A worker dies during the first build. Dumps come late, are corrected and withdrawn, and a rule changes. `make
prove-spark` compares all marts of more nights.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_homes import differing
from warehouse import OwnWarehouse, Warehouse
from worlds.delivery import batches, final_files, write, write_sources

from cluster.cluster_warehouse import ClusterWarehouse
from cluster.spark_server import killed_while_building, needs_spark, spark_cluster
from orchestration.core.settings import PROJECT_ROOT

pytestmark = [needs_spark, pytest.mark.slow, pytest.mark.timeout(2400)]

CORE = ("fct_aipl_daily", "fct_aipl_flow", "fct_aipl_deepening", "fct_fast", "fct_money_daily")
WORLDS, DELIVERY = range(60), 1


def night(warehouse: Warehouse, dumps: Path) -> bool:
    warehouse.load("sample_shop", dumps)
    return warehouse.build(only=CORE)


def shorten_interest(warehouse: Warehouse) -> None:
    """A rule changes: a product view makes interest for three days, and no longer for fifteen."""
    rules = warehouse.settings.dbt_project / "seeds" / "aipl_rules.csv"
    before = rules.read_text()
    after = before.replace("i_product_view,I,touch,product_view,15", "i_product_view,I,touch,product_view,3")
    assert after != before
    rules.write_text(after)


def test_increments_of_the_core_are_a_full_build_of_duckdb(tmp_path: Path) -> None:
    sources = write_sources(PROJECT_ROOT / "sources.yml", tmp_path / "sources.yml")
    final = final_files(WORLDS)
    first, *later = batches(final, DELIVERY)
    with spark_cluster(tmp_path, workers=2) as cluster:
        at_once, here, own = (
            OwnWarehouse.make(tmp_path / name, sources) for name in ("at_once", "duckdb", "spark")
        )
        there = ClusterWarehouse(own.home, own.sources_file, cluster.remote)

        dumps = tmp_path / "dumps"
        write(first, dumps)
        with killed_while_building(there.home, cluster):
            assert night(there, dumps) and night(here, dumps)
        lines, tables, rows = differing(there.home, here.home, of_both=True)
        assert lines == [] and tables > 30 and rows > 5_000

        for files in later:
            write(files, dumps)
        for warehouse in (at_once, here, there):
            shorten_interest(warehouse)
        assert not night(there, dumps) and not night(here, dumps)
        assert differing(there.home, here.home, of_both=True)[0] == []

        write(final, tmp_path / "final")
        assert night(at_once, tmp_path / "final")
        wanted = at_once.marts()
        assert {name: there.rows(f"marts.{name}") for name in wanted} == wanted
