"""Each model is SQL that Spark understands: Sail, which needs no Java, resolves it, and so does Spark itself.

The models are compiled for Spark and read empty tables with the types of a build on DuckDB.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_world import sample_warehouse
from warehouse import Warehouse

from cluster.spark_server import (
    ENVIRONMENT,
    OF_HIVE,
    OF_SMALL_TABLES,
    needs_sail,
    needs_spark,
    run_dbt,
    sail_server,
    spark_server,
)
from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.build.dbt import dbt_environment
from orchestration.build.engine.on_spark import CONTINUED, OnSpark

ANALYZER = Path(__file__).with_name("analyzer.py")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
# A query that only DuckDB understands.
ODD = "of DuckDB alone"
# What Sail 0.7 does not know, and Spark does.
RECURSIVE = {"intermediate.int_product_categories", "intermediate.int_unknown_values"}
# Names of columns that Iceberg has in each table by itself.
OF_ICEBERG = {
    "_deleted",
    "_file",
    "_last_updated_sequence_number",
    "_partition",
    "_pos",
    "_row_id",
    "_spec_id",
}


@pytest.fixture(scope="module")
def built() -> Warehouse:
    """All models on DuckDB, and so the types of all tables."""
    return sample_warehouse()


@pytest.fixture(scope="module")
def tables(built: Warehouse) -> dict[str, dict[str, str]]:
    return tables_of(built)


@pytest.fixture(scope="module")
def sail(tables: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a session on Sail that has all tables."""
    with sail_server(tmp_path_factory.mktemp("sail")) as remote:
        session = f"{remote}/;session_id={uuid.uuid4()}"
        assert ask(session, tables, {}) == {}
        yield session


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with a catalog of Hive's."""
    with spark_server(tmp_path_factory.mktemp("hive"), settings=OF_SMALL_TABLES | OF_HIVE) as remote:
        yield remote


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt keeps what it has parsed and compiled for Spark."""
    return tmp_path_factory.mktemp("target")


@pytest.fixture(scope="module")
def queries(built: Warehouse, tables: dict[str, dict[str, str]], sail: str, target: Path) -> dict[str, str]:
    """Compiled models, and a query that is not portable."""
    compiled = compiled_for(built, sail, target)
    # Where a source has no raw tables, its staging is not built.
    models = {name: query for name, query in compiled.items() if name in tables}
    assert len(models) > 100
    return models | {ODD: "select epoch_us(now())"}


@needs_sail
def test_sail_resolves_every_model(sail: str, queries: dict[str, str]) -> None:
    found = ask(sail, {}, queries)
    assert found.keys() == {ODD} | RECURSIVE, found


@needs_sail
@needs_spark
def test_spark_resolves_every_model(
    tables: dict[str, dict[str, str]], queries: dict[str, str], tmp_path: Path
) -> None:
    with spark_server(tmp_path) as remote:
        found = ask(remote, tables, queries)
    assert found.keys() == {ODD}, found


@needs_spark
def test_sources_are_shown_and_raw_stays_as_it_is(built: Warehouse, hive: str, target: Path) -> None:
    raw = built.home / "raw"
    before = set(raw.rglob("*"))
    run_dbt(target / "sources.log", variables_for(built, hive, target), "run-operation", "show_sources")
    count = "select count(*) from sample_shop.events"
    _, rows = OnSpark(hive).rows(built.settings, count, 1)
    # A catalog of Hive's makes the folder of a location that is not there.
    assert set(raw.rglob("*")) == before
    delivered = f"'{raw}/sample_shop/events/*/*.parquet'"
    assert [tuple(row) for row in rows] == built.query(f"select count(*) from {delivered}")


@needs_spark
def test_tables_are_parquet_whatever_the_default_of_the_cluster(
    built: Warehouse, hive: str, target: Path
) -> None:
    wanted = json.dumps({"sql": "create table default.made as select 'one, two' as words"})
    told = ["run-operation", "run_query", "--args", wanted]
    run_dbt(target / "made.log", variables_for(built, hive, target), *told)
    _, rows = OnSpark(hive).rows(built.settings, "describe table extended default.made", 50)
    assert ["Provider", "parquet"] in [list(row[:2]) for row in rows]


def test_tables_in_iceberg_have_no_column_of_its_own(
    built: Warehouse, tables: dict[str, dict[str, str]]
) -> None:
    incremental = {
        f"{node['schema']}.{node['name']}": node["config"]["scope_key"]
        for node in built.manifest["nodes"].values()
        if node["config"]["materialized"] == "incremental"
    }
    reserved = {name for name in incremental if OF_ICEBERG & tables[name].keys()}
    # These are not made in Iceberg.
    assert reserved == {name for name, key in incremental.items() if "_file" in key}


def ask(remote: str, tables: dict[str, dict[str, str]], queries: dict[str, str]) -> dict[str, str]:
    command = [str(ENVIRONMENT / "bin" / "python"), str(ANALYZER), remote]
    asked = json.dumps({"tables": tables, "queries": queries})
    answer = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found: dict[str, str] = json.loads(answer.stdout.splitlines()[-1])
    return found


def tables_of(warehouse: Warehouse) -> dict[str, dict[str, str]]:
    """Columns of all tables and views, and of the raw tables that dbt reads as sources, in Spark's types."""
    found = {
        f"{schema}.{table}": columns_of(warehouse, f'"{schema}"."{table}"')
        for schema, table in warehouse.query(
            "select table_schema, table_name from information_schema.tables where table_schema <> 'changes'"
        )
    }
    for name, columns in found.items():
        if name.startswith("staging."):
            # Kept as JSON, whatever its fields are.
            columns["raw_row"] = "struct<_row: bigint>"
    delivered = {folder.name for folder in (warehouse.home / "raw").iterdir()}
    for source in warehouse.manifest["sources"].values():
        schema, name = source["schema"], source["identifier"]
        if schema in {"arrival", *delivered}:
            place = source["config"]["meta"]["external_location"].replace("{identifier}", name)
            found[f"{schema}.{name}"] = columns_of(warehouse, place)
    return found


def columns_of(warehouse: Warehouse, relation: str) -> dict[str, str]:
    return {name: spark_type(kind) for name, kind, *_ in warehouse.query(f"describe from {relation}")}


def spark_type(kind: str) -> str:
    """`varchar[]` as `array<string>`, and the other types of DuckDB as Spark calls them."""
    if kind.endswith("[]"):
        return f"array<{spark_type(kind[:-2])}>"
    names = {"HUGEINT": "decimal(38, 0)", "UBIGINT": "decimal(20, 0)", "VARCHAR": "string"}
    return names.get(kind, kind.lower())


def compiled_for(warehouse: Warehouse, remote: str, target: Path) -> dict[str, str]:
    """SQL of the models of a full build, by name with the schema."""
    # What dbt reads is declared already.
    environment = variables_for(warehouse, remote, target) | CONTINUED
    run_dbt(target / "compile.log", environment, "compile", "--full-refresh")
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    return {
        f"{node['schema']}.{node['name']}": node["compiled_code"]
        for node in nodes
        if node["resource_type"] == "model" and node["language"] == "sql"
    }


def variables_for(warehouse: Warehouse, remote: str, target: Path) -> dict[str, str]:
    """Those of a dbt command for Spark, which writes nothing to the home."""
    settings = warehouse.settings
    told = dbt_sources(settings, configured_sources(settings))
    environment = dbt_environment(settings, told, target)
    return environment | {"SPARK_REMOTE": remote, "AIPL_SPARK_TABLES": str(target / "tables")}
