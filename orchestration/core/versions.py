"""Formats of state: each state file says its own, and what an older program wrote is upgraded, not misread.

A file of a newer format is refused before anything of it is read: what it means is not known here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.core.errors import EnvironmentStop

FORMAT = "format"


def newer(path: Path, found: object, known: int) -> EnvironmentStop:
    """What to tell of a state file that a newer program wrote."""
    return EnvironmentStop(
        f"{path} has format {found}; this program knows formats up to {known}. A newer version of aipl wrote"
        " it. Run that version or a later one, or name another home with AIPL_HOME. Nothing was changed."
    )


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    """Bring a SQLite file to format `len(steps)`, which `pragma user_version` tells; an empty one too.

    Step n makes format n + 1 of format n. A step and the number that it leads to are one transaction, so that
    a kill leaves the file before it or after it. A file without a number is of format 0 or, written before
    there were numbers, of format 1: the first step must be able to run on both.

    Raises EnvironmentStop when a newer program wrote the file.
    """
    found = _user_version(connection)
    if found > len(steps):
        raise newer(path, found, len(steps))
    while _user_version(connection) < len(steps):
        connection.execute("begin immediate")
        with connection:
            # Another process may have done it while this one waited.
            reached = _user_version(connection)
            if reached < len(steps):
                for statement in steps[reached].split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {reached + 1}")


def require_known(path: Path, content: Any, known: int) -> None:
    """Refuse JSON of a newer format. One without a format was written before there were any: format 1.

    Raises EnvironmentStop when a newer program wrote the file.
    """
    found = content.get(FORMAT, 1) if isinstance(content, dict) else 1
    if not isinstance(found, int) or found > known:
        raise newer(path, found, known)


def _user_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])
