"""docs/runbooks/laws.md: an anchor for each law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from expectations.contracts import SafeLoader
from orchestration.build.laws import Law, laws_by_test

PAGE = Path("docs/runbooks/laws.md")
HEAD = """# Laws

Must hold in every build, whatever the data. One that is broken stops the build:
[a law is broken](gate-failed.md#a-law-is-broken) says what to do. This page is written by `make format`.
"""


def declared_laws(project: Path) -> list[Law]:
    """The laws that the YAML files of a dbt project declare, in the order of the files; without dbt."""
    nodes = {str(number): node for number, node in enumerate(_tests(project))}
    return [law for laws in laws_by_test({"nodes": nodes}).values() for law in laws]


def _tests(project: Path) -> Iterator[Mapping[str, Any]]:
    """Data tests, with what a manifest would say of them."""
    for folder in ("models", "seeds", "tests"):
        for file in sorted((project / folder).rglob("*.yml")):
            document = yaml.load(file.read_text(), Loader=SafeLoader) or {}
            for table in [*document.get("models", []), *document.get("seeds", [])]:
                for test in table.get("data_tests", []):
                    named = {"meta": {"dagster": {"ref": {"name": table["name"]}}}}
                    laws = {"name": "laws", "kwargs": test["laws"]["arguments"]}
                    yield {"resource_type": "test", "config": named, "test_metadata": laws}
            for test in document.get("data_tests", []):
                yield {"resource_type": "test", **test}


def laws_page(root: Path) -> str:
    """The page as the project declares its laws."""
    laws = sorted(declared_laws(root / "dbt_project"), key=lambda law: law.table)
    parts = [HEAD]
    for table, of_table in groupby(laws, key=lambda law: law.table):
        lines = [
            f'- <a id="{law.anchor.partition("#")[2]}"></a>`{law.name}`: {law.description}'
            for law in of_table
        ]
        parts.append("\n".join([f"## {table}", "", *lines, ""]))
    return "\n".join(parts)
