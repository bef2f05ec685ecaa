"""Compare the tables of two homes row for row, for example one built on DuckDB and one on Spark.

    python tests/compare_homes.py HOME OTHER

Prints each table that differs; exits with 1 when one does. Rows are compared by a sum of hashes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

TABLES = """
    select table_schema, table_name from information_schema.tables
    where table_schema in ('seeds', 'intermediate', 'marts') order by all
"""


def open_home(home: Path) -> duckdb.DuckDBPyConnection:
    """The warehouse of a home, read only."""
    connection = duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def differing(home: Path, other: Path, *, of_both: bool = False) -> tuple[list[str], int, int]:
    """A line for each table that differs, and how many tables and rows were compared.

    A table that is only in one of them differs, unless those `of_both` are asked for.
    """
    found: list[str] = []
    rows = 0
    with open_home(home) as one, open_home(other) as two:
        tables = one.execute(TABLES).fetchall()
        missing = set(tables) ^ set(two.execute(TABLES).fetchall())
        if not of_both:
            found += [f"{schema}.{name}: only in one of them" for schema, name in sorted(missing)]
        compared = [table for table in tables if table not in missing]
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
