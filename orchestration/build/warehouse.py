"""Reading the warehouse file; a damaged one is reported as such."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from orchestration.build.state import forget_build
from orchestration.core.database import connect, read_only
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    import duckdb


# The comment of a view on the files of a table that another engine has built.
STORED_ELSEWHERE = "table"
# Schema and name of all tables, those of another engine too.
TABLES = f"""
    select schema_name, table_name from duckdb_tables()
    union all
    select schema_name, view_name from duckdb_views() where comment = '{STORED_ELSEWHERE}'
"""


def open_warehouse(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The warehouse, read only.

    Raises EnvironmentStop when it cannot be read, now or later in the block. Whoever reads it may stand
    beside a run: nothing is noted down.
    """
    return read_only(
        settings.warehouse,
        lambda error: (
            f"The warehouse {settings.warehouse} cannot be read: {error}\nUnless another program has it"
            " open, it is damaged. Nothing is lost: `aipl rebuild` rebuilds it from raw. The current"
            " release can be read as before."
        ),
    )


def require_sound_warehouse(settings: Settings) -> None:
    """Read every block of the warehouse; a damaged one makes the next build start from nothing.

    Raises EnvironmentStop when it is damaged: DuckDB keeps a checksum of each block.
    """
    import duckdb

    try:
        with connect(settings.warehouse, read_only=True) as connection:
            tables = connection.execute(TABLES).fetchall()
            for schema, table in tables:
                connection.execute(f'select max(hash(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        forget_build(settings)
        raise EnvironmentStop(
            f"The warehouse {settings.warehouse} is damaged: {error}\nNothing is lost: `aipl run` rebuilds"
            " the warehouse from raw. The current release remains readable."
        ) from error


def rows_of_tables(settings: Settings, names: Collection[str]) -> dict[str, int]:
    """Rows of those of these models and seeds that are tables, by name. Raises what `open_warehouse` does."""
    with open_warehouse(settings) as connection:
        tables = connection.execute(
            f"from ({TABLES}) where schema_name <> 'changes' and list_contains($names, table_name)",
            {"names": sorted(names)},
        ).fetchall()
        counts = [f'select \'{name}\', count(*) from "{schema}"."{name}"' for schema, name in tables]
        return dict(connection.execute(" union all ".join(counts)).fetchall()) if counts else {}
