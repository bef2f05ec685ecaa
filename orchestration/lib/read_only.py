"""A DuckDB file, opened to be read, or told to be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.lib.disk import tells_of_full_disk
from orchestration.lib.errors import EnvironmentStop

if TYPE_CHECKING:
    import duckdb


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
        with duckdb.connect(str(database), read_only=True) as connection:
            yield connection
    except duckdb.IOException as error:
        if tells_of_full_disk(str(error)):
            raise
        raise EnvironmentStop(unreadable(error)) from error
