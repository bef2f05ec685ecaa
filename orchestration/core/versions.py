"""Formats of state: each state file says its own, and what another program wrote is not misread.

A file of a newer format is refused before anything of it is read: what it means is not known here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
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


def migrate(
    connection: sqlite3.Connection, path: Path, known: int, schema: str, upgrades: Mapping[int, str]
) -> None:
    """Bring a SQLite file to format `known`, which `pragma user_version` tells: an empty one by its `schema`.

    `upgrades` make the next format of the one that they are for. Each is one transaction with the number that
    it leads to, so that a kill leaves the file before it or after it.

    Raises EnvironmentStop when the file is of a format that this program does not know.
    """
    while _user_version(connection) != known:
        connection.execute("begin immediate")
        with connection:
            # Another process may have done it while this one waited.
            found = _user_version(connection)
            if found > known:
                raise newer(path, found, known)
            is_empty = not connection.execute("select 1 from sqlite_master").fetchone()
            if not is_empty and found not in (*upgrades, known):
                raise EnvironmentStop(
                    f"{path} has format {found}, of an old version of aipl; this program knows formats from"
                    f" {min(upgrades, default=known)}. Run that version, or start a new home, named with"
                    " AIPL_HOME, from the same dumps. Nothing was changed."
                )
            if found != known:
                for statement in (schema if is_empty else upgrades[found]).split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {known if is_empty else found + 1}")


def require_known(path: Path, content: Any, known: int) -> None:
    """Refuse JSON of a newer format. One without a format was written before there were any: format 1.

    Raises EnvironmentStop when a newer program wrote the file.
    """
    found = content.get(FORMAT, 1) if isinstance(content, dict) else 1
    if not isinstance(found, int) or found > known:
        raise newer(path, found, known)


def _user_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])
