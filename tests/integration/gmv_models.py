"""The models of the GMV forecast run again on a changed copy of a warehouse, as they are or with a fault."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
from warehouse import Warehouse

from orchestration.core.settings import PROJECT_ROOT

Change = Callable[[duckdb.DuckDBPyConnection], None]
SERIES = PROJECT_ROOT / "dbt_project" / "models" / "intermediate" / "gmv" / "int_gmv_series.py"


def gmv_models(target: Path) -> list[dict[str, Any]]:
    """The models of the forecast, and the daily stock that they read, in an order to build them in."""
    nodes = {
        key: node
        for key, node in json.loads((target / "manifest.json").read_text())["nodes"].items()
        if node["resource_type"] == "model" and ("gmv" in node["fqn"] or node["name"] == "int_daily_stock")
    }
    # What reads the sources is left as it was built.
    nodes = {key: node for key, node in nodes.items() if node["config"]["materialized"] != "incremental"}
    graph = {key: [on for on in node["depends_on"]["nodes"] if on in nodes] for key, node in nodes.items()}
    return [nodes[key] for key in TopologicalSorter(graph).static_order()]


class Dbt:
    """What a Python model asks of dbt."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        """A model's rows."""
        return self._connection.table(f"intermediate.{name}")

    def config(self, **settings: Any) -> None:
        """Settings are dbt's own affair."""


@contextmanager
def rerun(
    warehouse: Warehouse, folder: Path, change: Change, faults: Mapping[str, tuple[str, str]] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The forecast made anew in a copy of the warehouse, after `change`; `faults` replace text of models."""
    # The name of the file is the name of the database, which compiled SQL mentions.
    copy = folder / warehouse.settings.warehouse.name
    shutil.copy(warehouse.settings.warehouse, copy)
    target = warehouse.settings.dbt_target
    with duckdb.connect(str(copy)) as connection:
        change(connection)
        for node in gmv_models(target):
            compiled = target / "compiled" / "aipl" / node["original_file_path"]
            text = (SERIES if node["language"] == "python" else compiled).read_text()
            if faults and node["name"] in faults:
                good, bad = faults[node["name"]]
                assert text.count(good) == 1, f"{node['name']} does not hold {good!r} once"
                text = text.replace(good, bad)
            build(connection, node, text)
        yield connection
    copy.unlink()


def build(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], text: str) -> None:
    """Replace the relation of a model by what its text, as dbt compiled it, gives."""
    kind, relation = node["config"]["materialized"], f"{node['schema']}.{node['name']}"
    if node["language"] != "python":
        connection.execute(f"create or replace {kind} {relation} as {text}")
        return
    names: dict[str, Any] = {}
    exec(compile(text, node["name"], "exec"), names)
    connection.register("python_model", names["model"](Dbt(connection), connection))
    connection.execute(f"create or replace table {relation} as select * from python_model")
    connection.unregister("python_model")
