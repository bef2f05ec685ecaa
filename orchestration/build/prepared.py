"""The dbt project made ready: its manifest, and the SQL with which each source is staged.

Both are made once for each state of the project and its sources.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from orchestration.build.dbt import dbt_environment, run_dbt
from orchestration.build.fingerprint import project_hash
from orchestration.core.atomic import replacing
from orchestration.core.database import sql_text
from orchestration.core.errors import AiplError
from orchestration.core.machine import no_room, tells_of_full_disk
from orchestration.core.settings import Settings

# The analysis whose compiled text is the queries of staged rows.
ROWS = "staged_rows"
# Raise it when what is kept changes its form.
KEPT_FORMAT = 2


@dataclass(frozen=True)
class Relation:
    """A seed or a model of staging: its name, its name in SQL, the query that makes it.

    `tables` are the raw tables that it reads itself or through others, as `<source>.<table>`.
    """

    name: str
    relation: str
    query: str
    tables: list[str]


@dataclass(frozen=True)
class StagedEntity:
    """An entity of a source: its model, its contract, and the query of its staged rows.

    The contract is that of the macro `entity`: the columns of its key and of its version, those that a row
    needs, and all `columns` with their roles; `optional` are those that the model may lack. `item_rows` is
    the query where the model numbers the items of a raw row (`_item`).
    """

    model: str
    key: list[str]
    version: list[str]
    needed: list[str]
    columns: Mapping[str, str]
    optional: list[str]
    rows: str
    item_rows: str


@dataclass(frozen=True)
class StagingSql:
    """How sources are staged: relations in the order of their making, and entities by source and name."""

    relations: list[Relation]
    entities: Mapping[str, Mapping[str, StagedEntity]]


def prepare_manifest(settings: Settings, dbt_sources: str) -> Path:
    """Path of the `manifest.json` of the current project and sources (JSON).

    Raises AiplError with dbt's own message when the project does not parse, or staging does not compile;
    EnvironmentStop on a full disk.
    """
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    manifest, prepared = settings.dbt_target / "manifest.json", settings.dbt_target / "prepared"
    wanted = f"{KEPT_FORMAT} {project_hash(settings.dbt_project, dbt_sources)} {settings.home}"
    with FileLock(settings.dbt_target / ".lock"):
        if manifest.exists() and prepared.exists() and prepared.read_text() == wanted:
            return manifest
        prepared.unlink(missing_ok=True)
        compiled = _compile(settings, dbt_sources)
        with replacing(_staging(settings)) as part:
            part.write_text(json.dumps(compiled))
        prepared.write_text(wanted)
    return manifest


def staging_sql(settings: Settings, dbt_sources: str) -> StagingSql:
    """The SQL of all sources that `dbt_sources` declares (JSON). Raises what `prepare_manifest` does."""
    prepare_manifest(settings, dbt_sources)
    content = json.loads(_staging(settings).read_text())
    return StagingSql(
        [Relation(**told) for told in content["relations"]],
        {
            source_id: {
                name: StagedEntity(f"stg_{source_id}__{name}", **told) for name, told in entities.items()
            }
            for source_id, entities in content["queries"].items()
        },
    )


def _staging(settings: Settings) -> Path:
    return settings.dbt_target / "staging.json"


def _compile(settings: Settings, dbt_sources: str) -> dict[str, Any]:
    """Parse the project and compile its staging without opening the warehouse, which may be busy."""
    selected = ["--select", "+path:models/staging", ROWS]
    excluded = ["--exclude", "resource_type:test", "resource_type:unit_test"]
    answer = run_dbt(
        ["--quiet", "compile", "--no-introspect", "--no-populate-cache", *selected, *excluded],
        dbt_environment(settings, dbt_sources),
    )
    if not answer.success:
        results = getattr(answer.result, "results", ())
        told = answer.exception or "\n".join(result.message for result in results if result.message)
        if tells_of_full_disk(str(told)):
            raise no_room(str(told), settings.dbt_target)
        raise AiplError(f"The dbt project does not parse:\n{told}")
    nodes: list[Any] = [result.node for result in answer.result.results]  # type: ignore[union-attr]
    relations: dict[str, Relation] = {}
    for node in nodes:
        if node.resource_type == "seed":
            query, reads = _of_seed(settings, node), []
        elif node.resource_type == "model":
            query, reads = node.compiled_code, node.depends_on.nodes
        else:
            continue
        tables = {".".join(read.split(".")[2:]) for read in reads if read.startswith("source.")}
        tables = tables.union(*(relations[read].tables for read in reads if read in relations))
        relations[node.unique_id] = Relation(node.name, node.relation_name, query, sorted(tables))
    queries = next((node.compiled_code for node in nodes if node.name == ROWS), "{}")
    return {"relations": [asdict(one) for one in relations.values()], "queries": json.loads(queries)}


def _of_seed(settings: Settings, seed: Any) -> str:
    given = [sql_text(settings.dbt_project / seed.original_file_path), "header = true"]
    if types := ", ".join(f"{name}: {sql_text(kind)}" for name, kind in seed.config.column_types.items()):
        given.append(f"types = {{{types}}}")
    return f"select * from read_csv({', '.join(given)})"
