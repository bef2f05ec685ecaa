"""docs/runbooks/laws.md: an anchor for each law."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from orchestration.build.laws import declared_laws

PAGE = Path("docs/runbooks/laws.md")
HEAD = """# Laws

Must hold in every build, whatever the data. One that is broken stops the build:
[a law is broken](gate-failed.md#a-law-is-broken) says what to do. This page is written by `make format`.
"""


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
