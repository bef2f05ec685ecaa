"""The laws of the warehouse: which there are, and what dbt's results say of each.

The generic test `laws` judges all laws of a table; its query returns one row per broken law: `table_name`,
`law`, `failures` (how many rows break it), `examples` (the first three of them, as JSON). Any other data test
is one law by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.build.engine.chosen import engine_of
from orchestration.core.settings import Settings

SHOWN_ROWS = 3
# More than a table has.
MOST_LAWS = 1000
LEFT = "LEFT"
LAW_COLUMNS = ["table_name", "law", "failures", "examples"]
KINDS = {
    "unique_key": "One row per {key}, with no NULL in the key.",
    "holds": "In every row: `{condition}`.",
    "accepted_values": "Every `{column_name}` is one of: {values}.",
    "relationships": "Every `{column_name}` is a `{field}` of {to}.",
    "not_null": "No `{column_name}` is NULL.",
    "unique": "No `{column_name}` stands in two rows.",
    "no_gap_or_overlap": (
        "Per {key}, each row begins when the one before it ends and differs from it in `{state_column}`;"
        " the last one is open."
    ),
}


@dataclass(frozen=True)
class Law:
    """A law of a model or seed, in which its name is unique. `is_error` is whether it stops a build."""

    table: str
    name: str
    description: str
    is_error: bool = True

    @property
    def anchor(self) -> str:
        """Where the runbook tells of it."""
        return f"docs/runbooks/laws.md#{self.table}-{self.name}"


@dataclass(frozen=True)
class DbtResult:
    """What dbt says of a node: `status` is `fail` or `warn` for a test that found rows; `sql` finds them."""

    unique_id: str
    status: str
    message: str = ""
    sql: str | None = None
    failures: int | None = None
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The node's name."""
        return self.unique_id.split(".")[2]

    @property
    def is_left(self) -> bool:
        """Whether it is a model that was left as it was (macro `left`)."""
        return self.message == LEFT


@dataclass(frozen=True)
class BrokenLaw:
    """A law that `failures` rows break; `table` is None where the test does not say it."""

    table: str | None
    law: str
    failures: int | None
    examples: Sequence[Mapping[str, Any]]

    @property
    def example_lines(self) -> list[str]:
        """The examples in words, a line a row."""
        return [", ".join(f"{name}={value}" for name, value in row.items()) for row in self.examples]


def read_results(target: Path) -> list[DbtResult]:
    """Results of the dbt command that ran in `target`; empty when it did not come to run a node."""
    path = target / "run_results.json"
    if not path.exists():
        return []
    return [
        DbtResult(
            result["unique_id"],
            result["status"],
            result["message"] or "",
            result.get("compiled_code"),
            result.get("failures"),
            result.get("execution_time", 0.0),
        )
        for result in json.loads(path.read_text())["results"]
    ]


def broken_laws(settings: Settings, result: DbtResult) -> list[BrokenLaw]:
    """The laws that a failed test found broken, with example rows.

    Raises EnvironmentStop when nobody can tell.
    """
    if not result.sql:
        return [BrokenLaw(None, result.name, result.failures, ())]
    columns, rows = engine_of(settings).rows(settings, result.sql, MOST_LAWS)
    if columns == LAW_COLUMNS:
        return [
            BrokenLaw(table, law, failures, [json.loads(row, parse_float=str) for row in examples])
            for table, law, failures, examples in rows
        ]
    examples = [dict(zip(columns, row, strict=True)) for row in rows[:SHOWN_ROWS]]
    return [BrokenLaw(None, result.name, result.failures, examples)]


def law_results(
    laws: Mapping[str, Sequence[Law]],
    results: Iterable[DbtResult],
    find_broken: Callable[[DbtResult], Sequence[BrokenLaw]],
) -> Iterator[tuple[Law, BrokenLaw | None]]:
    """Each law that was judged, and how it is broken, None where it holds.

    `laws` are those of each test by its unique id. A test that was skipped or could not be run judged none.
    `find_broken` is asked for tests that found rows.
    """
    for result in results:
        if result.unique_id not in laws or result.status not in {"pass", "warn", "fail"}:
            continue
        judged = laws[result.unique_id]
        found = {} if result.status == "pass" else {broken.law: broken for broken in find_broken(result)}
        if result.status != "pass" and not any(law.name in found for law in judged):
            # A test that failed for no law that it has must not let them all pass.
            found = {law.name: BrokenLaw(law.table, law.name, result.failures, ()) for law in judged}
        yield from ((law, found.get(law.name)) for law in judged)


def laws_by_test(manifest: Mapping[str, Any]) -> dict[str, list[Law]]:
    """The laws that each data test of a dbt manifest judges, by the unique id of the test.

    A test of several tables that names none of them as its own, or of a source, is left out.
    """
    names = {
        unique_id: node["name"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"} and node["config"].get("materialized") != "ephemeral"
    }
    found = {}
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "test" and (table := _table_of(node, names)):
            found[unique_id] = _laws_of(node, table)
    return found


def _laws_of(node: Mapping[str, Any], table: str) -> list[Law]:
    is_error = (node["config"].get("severity") or "error").lower() == "error"
    metadata = node.get("test_metadata") or {}
    if metadata.get("name") == "laws":
        return _bundled(table, metadata["kwargs"]["laws"], is_error=is_error)
    return [Law(table, node["name"], node.get("description") or node["name"], is_error)]


def _bundled(
    table: str, laws: Iterable[Mapping[str, Mapping[str, Any]]], *, is_error: bool = True
) -> list[Law]:
    return [
        Law(table, arguments.get("name", kind), _described(kind, arguments), is_error)
        for law in laws
        for kind, arguments in law.items()
    ]


def _described(kind: str, arguments: Mapping[str, Any]) -> str:
    """What a law says, in its own words or in those of its kind."""
    words = {
        name: ", ".join(f"`{item}`" for item in value)
        if isinstance(value, list)
        else re.sub(r"^ref\('(\w+)'\)$", r"`\1`", " ".join(str(value).split()))
        for name, value in arguments.items()
    }
    return words.get("description") or KINDS.get(kind, kind).format(**words)


def _table_of(node: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """The table that a test is about: the one it names or is declared at, or the only one it reads."""
    if named := node["config"].get("meta", {}).get("dagster", {}).get("ref"):
        return str(named["name"])
    read = set(node["depends_on"]["nodes"])
    return names.get(node.get("attached_node") or (read.pop() if len(read) == 1 else ""))
