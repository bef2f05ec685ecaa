"""What stands in a home, read by the tests' own means: to find whoever should be named nowhere."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb


def contents(home: Path, *, but: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Each file below a home, except those below `but`, as text: as it is, and read as what it is."""
    for path in sorted(home.rglob("*")):
        if path.is_symlink() or not path.is_file() or (but and path.is_relative_to(but)):
            continue
        content = path.read_bytes()
        yield path, (gzip.decompress(content) if path.suffix == ".gz" else content).decode("latin-1")
        if path.suffix == ".parquet":
            with duckdb.connect() as connection:
                yield path, str(connection.read_parquet(str(path)).fetchall())
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield path, str(connection.execute(f'from "{schema}"."{table}"').fetchall())
        elif content.startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(path)) as connection:
                yield path, "\n".join(connection.iterdump())


def all_contents(home: Path) -> str:
    """The same in one text."""
    return "\n".join(text for _, text in contents(home))
