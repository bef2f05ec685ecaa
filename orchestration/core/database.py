"""Opening DuckDB files: without its progress bar, and read-only; a damaged file is reported as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from expectations import NO_BAR
from orchestration.core.errors import EnvironmentStop
from orchestration.core.machine import tells_of_full_disk

if TYPE_CHECKING:
    import duckdb


def connect(database: Path | None = None, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A database, in memory unless a file is named.

    Raises duckdb.Error when the file cannot be opened.
    """
    import duckdb

    connection = duckdb.connect(str(database or ":memory:"), read_only=read_only)
    connection.execute(NO_BAR)
    return connection


@contextmanager
def read_only(
    database: Path, unreadable: Callable[[duckdb.Error], str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, read only.

    Raises EnvironmentStop, in the words of `unreadable`, when it cannot be read, now or later in the block:
    DuckDB keeps a checksum of each block. A full disk is not the file's damage and stays what it is.
    """
    import duckdb

    try:
        with connect(database, read_only=True) as connection:
            yield connection
    except duckdb.IOException as error:
        if tells_of_full_disk(str(error)):
            raise
        raise EnvironmentStop(unreadable(error)) from error


def sql_text(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"
