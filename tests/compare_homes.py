"""Compare the tables of two homes row for row, for example one built on DuckDB and one on Spark.

    python tests/compare_homes.py HOME OTHER

Prints each table that differs; exits with 1 when one does. Rows are compared by a sum of hashes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

TABLES = """
    select (tables.table_schema, tables.table_name), views.sql
    from information_schema.tables as tables
    left join duckdb_views() as views
        on tables.table_schema = views.schema_name and tables.table_name = views.view_name
    where tables.table_schema in ('seeds', 'intermediate', 'marts')
"""


def open_home(home: Path) -> duckdb.DuckDBPyConnection:
    """The warehouse of a home, read only."""
    connection = duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def differing(home: Path, other: Path, *, of_both: bool = False) -> tuple[list[str], int, int]:
    """A line for each table that differs, and how many tables and rows were compared.

    A table that is only in one of them differs, unless those `of_both` are asked for. A view that is the same
    query in both is not computed: it differs only where a table does.
    """
    found: list[str] = []
    rows = 0
    with open_home(home) as one, open_home(other) as two:
        tables, others = (dict(connection.execute(TABLES).fetchall()) for connection in (one, two))
        if not of_both:
            missing = sorted(tables.keys() ^ others.keys())
            found += [f"{schema}.{name}: only in one of them" for schema, name in missing]
        compared = [
            table
            for table in sorted(tables.keys() & others.keys())
            if not tables[table] or tables[table] != others[table]
        ]
        for schema, name in compared:
            relation = f'"{schema}"."{name}"'
            columns = one.execute(f"describe {relation}").fetchall()
            # Counts may be of another width.
            values = ", ".join(f'cast("{column}" as {kind})' for column, kind, *_ in columns)
            query = f"select count(*), coalesce(sum(hash({values})::hugeint), 0) from {relation}"
            counts = [connection.execute(query).fetchall()[0] for connection in (one, two)]
            rows += counts[0][0]
            if counts[0] != counts[1]:
                found.append(f"{schema}.{name}: {counts[0][0]:,} rows, {counts[1][0]:,} rows, not the same")
    return found, len(compared), rows


if __name__ == "__main__":
    lines, tables_compared, rows_compared = differing(*map(Path, sys.argv[1:3]))
    print("\n".join([*lines, f"{tables_compared} tables, {rows_compared:,} rows, {len(lines)} differ"]))
    sys.exit(1 if lines else 0)
