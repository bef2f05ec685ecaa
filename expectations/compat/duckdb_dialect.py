"""The SQLAlchemy dialect through which Great Expectations reads a DuckDB file.

Made for Great Expectations 1.24, SQLAlchemy 2.1 and duckdb-sqlalchemy 1.5, and needed to be right. Great
Expectations closes the connection before it fetches: a DuckDB cursor then has nothing to give, and the
expectation fails inside while it looks like bad data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duckdb_sqlalchemy import Dialect, DuckDBExecutionContext
from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from expectations import NO_BAR

SCHEMA = "marts"
PREVIOUS = "previous"
_DRIVER = "duckdb.buffered"

# Great Expectations shows at most 200 rows of a table, and counts in SQL. More are not kept, so that a
# table of which every row is bad does not fill the memory.
MAX_FETCHED = 10_000


class BufferedExecutionContext(DuckDBExecutionContext):
    """Fetches the rows as soon as a statement has run."""

    def post_exec(self) -> None:
        """Replace the live cursor by its first `MAX_FETCHED` rows."""
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor is not None and self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, self.cursor.description, self.cursor.fetchmany(MAX_FETCHED)
            )


class BufferedDialect(Dialect):
    """DuckDB with buffered results, where unqualified names mean the marts."""

    execution_ctx_cls = BufferedExecutionContext
    supports_statement_cache = True

    def connect(self, *args: Any, **parameters: Any) -> Any:
        """Open a connection whose default schema is the marts', with the variable `previous`."""
        config = dict(parameters["url_config"])
        previous = config.pop(PREVIOUS)
        connection = super().connect(*args, **{**parameters, "url_config": config})
        try:
            connection.execute(NO_BAR)
            # A release has no such schema: there it is the database, named after its file.
            connection.execute(f"set schema = '{SCHEMA}'")
            connection.execute(f"set variable {PREVIOUS} = $folder", {"folder": previous})
        except BaseException:
            # A connection left open would keep the writer out.
            connection.close()
            raise
        return connection


def read_only_url(database: Path, previous: Path) -> str:
    """SQLAlchemy address of a DuckDB file, opened read-only with `BufferedDialect`.

    `previous` is the folder with the marts as they were before.
    """
    registry.register(_DRIVER, BufferedDialect.__module__, BufferedDialect.__name__)
    query = {"access_mode": "read_only", PREVIOUS: str(previous)}
    url = URL.create(_DRIVER.replace(".", "+"), database=str(database), query=query)
    return url.render_as_string(hide_password=False)
