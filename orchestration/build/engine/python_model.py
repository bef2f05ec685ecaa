"""Models in Python, which Spark does not run: computed here, by the same function, from the same tables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestration.build.engine.facade import EngineTables, query_of
from orchestration.core.database import connect
from orchestration.core.settings import Settings


class _Dbt:
    """What a model is given by dbt, as far as ours ask for it."""

    def __init__(self, tables: EngineTables, connection: Any) -> None:
        self._tables, self._connection = tables, connection

    def config(self, **_: object) -> None:
        """How it is stored is decided here."""

    def ref(self, name: str) -> Any:
        """A table of the layer that such models are in."""
        return self._connection.sql(query_of(self._connection, self._tables.files("intermediate", name)))


def write_python_model(settings: Settings, node: Mapping[str, Any], tables: EngineTables) -> None:
    """Write the rows of a model (a node of a dbt manifest) as one Parquet file below the engine's tables."""
    spec = spec_from_file_location(node["name"], settings.dbt_project / node["original_file_path"])
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{node['original_file_path']} is no module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with connect() as connection:
        rows = module.model(_Dbt(tables, connection), connection)
    folder: Path = settings.engine_tables / node["schema"] / node["name"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pq.write_table(rows, folder / "rows.parquet")
