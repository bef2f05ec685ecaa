"""The warehouse file of a build on another engine: views on the files of its tables, and the views of dbt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.build.dbt import configured_manifest, run_dbt
from orchestration.build.engine.contract import Order
from orchestration.build.warehouse import STORED_ELSEWHERE
from orchestration.core.database import connect, sql_text
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class EngineTables:
    """Files of an engine's tables: all Parquet files of a table's folder, or those that its format names."""

    root: Path
    named: Mapping[str, Sequence[str]]

    def files(self, schema: str, name: str) -> Sequence[str]:
        """Paths, or patterns of paths; none of a table that is not there."""
        folder = self.root / schema / name
        if str(folder) in self.named:
            return self.named[str(folder)]
        return [str(folder / "*.parquet")] if any(folder.glob("*.parquet")) else []


def show_tables(settings: Settings, order: Order, manifest: Mapping[str, Any], tables: EngineTables) -> None:
    """Replace the warehouse file. A view of dbt is there where all tables are that it reads.

    Raises AiplError when a view cannot be made.
    """
    settings.warehouse.unlink(missing_ok=True)
    configured = configured_manifest(manifest, order.configured)
    shown = set()
    with connect(settings.warehouse) as connection:
        for key, schema, name in _tables(configured):
            if files := tables.files(schema, name):
                connection.execute(f'create schema if not exists "{schema}"')
                connection.execute(f'create view "{schema}"."{name}" as {query_of(connection, files)}')
                connection.execute(f'comment on view "{schema}"."{name}" is {sql_text(STORED_ELSEWHERE)}')
                shown.add(key)
    # Beside the results of the build itself.
    beside = str(order.target / "views")
    variables = {
        **order.variables,
        "AIPL_DBT_CHANGED_INPUTS": "all",
        "DBT_TARGET_PATH": beside,
        "DBT_LOG_PATH": beside,
    }
    answer = run_dbt(["--quiet", "run", "--select", *views_over(configured, shown)], variables)
    if not answer.success:
        raise AiplError(
            f"The views of the warehouse cannot be made: {answer.exception}. See {beside}/dbt.log."
        )


def query_of(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
    """A query of the rows of an engine's table, with the types that DuckDB's own would have.

    An engine writes a time as an instant; here it is a time in UTC.
    """
    files = f"read_parquet([{', '.join(map(sql_text, paths))}])"
    columns = [
        f'timezone(\'UTC\', "{name}") as "{name}"' if kind == "TIMESTAMP WITH TIME ZONE" else f'"{name}"'
        for name, kind, *_ in connection.execute(f"describe select * from {files}").fetchall()
    ]
    return f"select {', '.join(columns)} from {files}"


def views_over(manifest: Mapping[str, Any], tables: Set[str]) -> list[str]:
    """Names of the views of a dbt manifest that read nothing but sources and these tables, by unique ID."""
    nodes = manifest["nodes"]

    @cache
    def is_there(key: str) -> bool:
        if key not in nodes or key in tables:
            return key.startswith("source.") or key in tables
        is_view = key.startswith("model.") and nodes[key]["config"]["materialized"] == "view"
        return is_view and all(map(is_there, manifest["parent_map"][key]))

    return sorted(nodes[key]["name"] for key in nodes if key not in tables and is_there(key))


def _tables(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Unique ID, schema and name of all models and seeds of a dbt manifest that are tables."""
    for key, node in manifest["nodes"].items():
        is_built = node["resource_type"] in {"model", "seed"}
        if is_built and node["config"]["materialized"] in {"table", "incremental", "seed"}:
            yield key, node["schema"], node["name"]
