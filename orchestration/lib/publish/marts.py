"""Copy the marts into files that stand alone: one DuckDB database, and a Parquet file a mart."""

from __future__ import annotations

from pathlib import Path

import duckdb

# Readers of DuckDB 1.2 and later open it, whichever version wrote it.
STORAGE_VERSION = "v1.2.0"


def copy_marts(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Copy schema `marts` of the attached `warehouse` into `folder`, rows sorted; returns rows by mart.

    Raises RuntimeError when there is no mart, or when the database was not written out in full.
    """
    target = sql_text(folder / "marts.duckdb")
    connection.execute(f"attach {target} as release (storage_version '{STORAGE_VERSION}')")
    marts = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = 'warehouse' and table_schema = 'marts' order by table_name"
    ).fetchall()
    if not marts:
        raise RuntimeError("the warehouse has no table in schema marts")
    rows: dict[str, int] = {}
    for (mart,) in marts:
        connection.execute(
            f'create table release.main."{mart}" as from warehouse.marts."{mart}" order by all'
        )
        parquet = sql_text(folder / f"{mart}.parquet")
        connection.execute(f'copy release.main."{mart}" to {parquet} (format parquet, compression zstd)')
        count = connection.execute(f'select count(*) from release.main."{mart}"').fetchone()
        rows[mart] = count[0] if count else 0
    for statement in _comments(connection):
        connection.execute(statement)
    connection.execute("detach release")
    if (folder / "marts.duckdb.wal").exists():
        raise RuntimeError(f"{folder}/marts.duckdb was not written out in full: its .wal is left")
    return rows


def _comments(connection: duckdb.DuckDBPyConnection) -> list[str]:
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns()"
        " where database_name = 'warehouse' and schema_name = 'marts' and comment is not null"
    ).fetchall()
    tables = connection.execute(
        "select table_name, comment from duckdb_tables()"
        " where database_name = 'warehouse' and schema_name = 'marts' and comment is not null"
    ).fetchall()
    return [
        *(f'comment on column release.main."{t}"."{c}" is {sql_text(comment)}' for t, c, comment in columns),
        *(f'comment on table release.main."{t}" is {sql_text(comment)}' for t, comment in tables),
    ]


def sql_text(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"
