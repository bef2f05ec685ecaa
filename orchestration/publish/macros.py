"""Table macros inside a release's database: questions with parameters, for any DuckDB client."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from orchestration.core.database import sql_text
from orchestration.publish.marts import mart_names

MACROS = Path(__file__).parent / "macros"
MART = re.compile(r"\b(?:dim|fct)_\w+")


def create_macros(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Create every macro whose marts the attached `release` holds; returns their names.

    A macro names its marts without a database, so that it reads the file that it is stored in.
    """
    marts = mart_names(connection, "release")
    created = []
    connection.execute("use release")
    for file in sorted(MACROS.glob("*.sql")):
        head, body = _head_and_body(file.read_text())
        if set(MART.findall(body)) <= marts:
            connection.execute(body)
            connection.execute(f"comment on macro table {file.stem} is {sql_text(head)}")
            created.append(file.stem)
    connection.execute("use memory")
    return created


def _head_and_body(text: str) -> tuple[str, str]:
    """The comment that a macro begins with, as plain text, and the rest."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return " ".join(line.removeprefix("-- ") for line in lines[:first]), "\n".join(lines[first:])
