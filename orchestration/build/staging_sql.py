"""SQL with which each source is staged, as dbt compiles it: compiled once for each state of the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from filelock import FileLock

from orchestration.build.dbt import dbt_environment, run_dbt
from orchestration.build.fingerprint import project_hash
from orchestration.core.atomic import replacing
from orchestration.core.database import sql_text
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings

ROWS = "staged_rows"
# Raise it when what is kept changes its form.
KEPT_FORMAT = 1


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
    """An entity of a source: its model, the query of its staged rows, columns that the model may lack."""

    model: str
    rows: str
    optional: list[str]


@dataclass(frozen=True)
class StagingSql:
    """How sources are staged: relations in the order of their making, and entities by source and name."""

    relations: list[Relation]
    entities: Mapping[str, Mapping[str, StagedEntity]]


def staging_sql(settings: Settings, dbt_sources: str) -> StagingSql:
    """The SQL of all sources that `dbt_sources` declares (JSON); kept until project, sources or home change.

    Raises AiplError when the project does not compile.
    """
    folder = settings.dbt_target / "staging"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "staging.json"
    wanted = f"{KEPT_FORMAT} {project_hash(settings.dbt_project, dbt_sources)} {settings.home}"
    with FileLock(folder / ".lock"):
        if kept.exists() and (content := json.loads(kept.read_text()))["of"] == wanted:
            return _read(content)
        relations, queries = _compile(settings, dbt_sources)
        content = {"of": wanted, "relations": [asdict(one) for one in relations], "queries": queries}
        with replacing(kept) as part:
            part.write_text(json.dumps(content))
        return _read(content)


def _read(content: Mapping[str, Any]) -> StagingSql:
    return StagingSql(
        [Relation(**told) for told in content["relations"]],
        {
            source_id: {
                name: StagedEntity(f"stg_{source_id}__{name}", **told) for name, told in entities.items()
            }
            for source_id, entities in content["queries"].items()
        },
    )


def _compile(settings: Settings, dbt_sources: str) -> tuple[list[Relation], dict[str, Any]]:
    """Relations, and the queries of staged rows by source and entity.

    Compiles without a look at the warehouse, which may be missing or busy.
    """
    selected = ["--select", "+path:models/staging", ROWS, "--exclude", "resource_type:test"]
    answer = run_dbt(
        [
            "--quiet",
            "compile",
            "--no-introspect",
            "--no-populate-cache",
            *selected,
            "resource_type:unit_test",
        ],
        dbt_environment(settings, dbt_sources, settings.dbt_target / "staging"),
    )
    if not answer.success:
        results = getattr(answer.result, "results", ())
        told = answer.exception or "\n".join(result.message for result in results if result.message)
        raise AiplError(f"The staging models do not compile:\n{told}")
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
    return list(relations.values()), json.loads(queries)


def _of_seed(settings: Settings, seed: Any) -> str:
    given = [sql_text(settings.dbt_project / seed.original_file_path), "header = true"]
    if types := ", ".join(f"{name}: {sql_text(kind)}" for name, kind in seed.config.column_types.items()):
        given.append(f"types = {{{types}}}")
    return f"select * from read_csv({', '.join(given)})"
