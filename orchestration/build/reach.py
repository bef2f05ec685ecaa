"""Which models a build must run: those that something which changed reaches.

An incremental model is reached through its scope, another one through anything that it reads
(`macros/engine/increments.sql`). What is not reached is not started, and neither are its tests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.parquet as pq

from orchestration.arrival.dbt_inputs import read_dbt_inputs
from orchestration.build.state import Build
from orchestration.build.warehouse import open_warehouse
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

# They say which files changed, and every build begins with that.
FILES = ("arrival.files", "arrival.applied")
BESIDE_FILES = ("arrival.sources", "arrival.brands")


class _File(NamedTuple):
    source: str
    table: str
    file: str
    version: str
    load_date: date


def changed_inputs(settings: Settings, last: Build, build: Build) -> set[str]:
    """Inputs of dbt, as `<source>.<table>`, that differ from those of the last build, which finished."""
    tables = changed_tables(read_dbt_inputs(settings), pq.read_table(settings.arrival / "applied.parquet"))
    beside = BESIDE_FILES if last.beside_files != build.beside_files else ()
    return {*FILES, *beside, *tables}


def changed_tables(inputs: Mapping[str, pa.Table], applied: pa.Table) -> set[str]:
    """Raw tables with a file that is new, gone, or another one than was built.

    Staging of a static source may join its tables, so that all of them count.
    """
    files, before = (set(map(_file, table.to_pylist())) for table in (inputs["files"], applied))
    static = {row["source_id"] for row in inputs["sources"].to_pylist() if row["feed"] == "static"}
    changed = {(file.source, file.table) for file in files ^ before}
    whole = {source for source, _ in changed if source in static}
    return {
        f"{file.source}.{file.table}"
        for file in files | before
        if (file.source, file.table) in changed or file.source in whole
    }


def models_to_run(
    settings: Settings, manifest: Mapping[str, Any], changed: Set[str] | None
) -> list[str] | None:
    """Names of the models of a dbt manifest that changed inputs reach; None, all models, for None.

    Raises what `open_warehouse` does.
    """
    return None if changed is None else reached_models(manifest, changed, _staged_columns(settings))


def reached_models(
    manifest: Mapping[str, Any], inputs: Collection[str], supplied: Mapping[str, Set[str]]
) -> list[str]:
    """Names of the models that these inputs (`<source>.<table>`) reach, of a dbt manifest.

    `supplied` are the columns of each staging model.
    """
    nodes = manifest["nodes"]

    def parents(unique_id: str) -> list[str]:
        return list(nodes[unique_id]["depends_on"]["nodes"])

    @cache
    def is_reached(unique_id: str) -> bool:
        if unique_id not in nodes:
            return unique_id.partition(".")[2].partition(".")[2] in inputs
        if nodes[unique_id]["resource_type"] == "seed":
            return False
        config = nodes[unique_id]["config"]
        if config["materialized"] == "incremental":
            return any(is_part_reached(unique_id, part) for part in config["scope"])
        # Of what reads nothing that dbt knows of, nobody knows what it depends on.
        return any(map(is_reached, parents(unique_id))) or not parents(unique_id)

    def is_part_reached(unique_id: str, part: Mapping[str, Any]) -> bool:
        if files := part.get("rows_of"):
            # Rows of changed files: of those that it reads.
            return any(is_reached(parent) for parent in parents(unique_id) if _name(parent) != files)
        needed = set(part.get("supplied") or ())
        return any(
            is_reached(parent) and (not needed or can_supply(parent, needed))
            for parent in parents(unique_id)
            # A macro may look at anything that its model reads.
            if "macro" in part or _name(parent) == part["model"]
        )

    def can_supply(unique_id: str, columns: Set[str]) -> bool:
        return any(
            is_reached(parent) and columns <= supplied.get(_name(parent), set())
            for parent in parents(unique_id)
        )

    models = (key for key, node in nodes.items() if node["resource_type"] == "model")
    return sorted(_name(model) for model in models if is_reached(model))


def _staged_columns(settings: Settings) -> dict[str, set[str]]:
    """Columns of each staging model of the warehouse."""
    with open_warehouse(settings) as connection:
        found = connection.execute(
            "select table_name, list(column_name) from information_schema.columns"
            " where table_schema = 'staging' group by table_name"
        ).fetchall()
    return {table: set(columns) for table, columns in found}


def _file(row: Mapping[str, Any]) -> _File:
    return _File(*(row[name] for name in ("source_id", "table_name", "file", "version", "load_date")))


def _name(unique_id: str) -> str:
    return unique_id.split(".")[2]
