"""docs/runbooks/laws.md, an anchor for each law: `make laws` writes it, `make lint` says if it is stale."""

from __future__ import annotations

import sys
from itertools import groupby

from orchestration.build.laws import declared_laws
from orchestration.core.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "runbooks" / "laws.md"
HEAD = """# Laws

Must hold in every build, whatever the data. One that is broken stops the build:
[a law is broken](gate-failed.md#a-law-is-broken) says what to do. This page is written by `make laws`.
"""


def page() -> str:
    """The page as the project declares its laws."""
    laws = sorted(declared_laws(PROJECT_ROOT / "dbt_project"), key=lambda law: law.table)
    parts = [HEAD]
    for table, of_table in groupby(laws, key=lambda law: law.table):
        lines = [
            f'- <a id="{law.anchor.partition("#")[2]}"></a>`{law.name}`: {law.description}'
            for law in of_table
        ]
        parts.append("\n".join([f"## {table}", "", *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit(f"{PAGE} is stale: run `make laws`")
