"""Whether the warehouse file can be read at all, asked only when something went wrong on it."""

from __future__ import annotations

from orchestration.lib.build.state import forget_build
from orchestration.lib.errors import EnvironmentStop
from orchestration.settings import Settings


def require_sound_warehouse(settings: Settings) -> None:
    """Read every block of the warehouse; a damaged one makes the next build start from nothing.

    Raises EnvironmentStop when it is damaged: DuckDB keeps a checksum of each block.
    """
    import duckdb

    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                connection.execute(f'select max(hash(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        forget_build(settings)
        raise EnvironmentStop(
            f"The warehouse {settings.warehouse} is damaged: {error}\nNothing is lost: run `aipl run` again,"
            " it builds the warehouse anew from raw. The current release can be read as before."
        ) from error
