"""Copy the marts into files that stand alone: one DuckDB database, and a Parquet file a mart.

A mart that is a view alone has no such file. The database also holds table macros: questions with parameters,
for any DuckDB client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from expectations.contracts import Contract
from orchestration.core.database import read_only, sql_text
from orchestration.publish.personal import Mask, columns_of

MACROS = Path(__file__).parent / "macros"
MART = re.compile(r"\b(?:dim|fct)_\w+")
WORD = re.compile(r"\w+")
HASHED_COMMENT = "Here a keyed hash of it."
# Readers of DuckDB 1.2 and later open it, whichever version wrote it.
STORAGE_VERSION = "v1.2.0"


def open_marts(release: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The database of a release folder, read only.

    Raises EnvironmentStop when it cannot be read, now or later in the block.
    """
    return read_only(release / "marts.duckdb", lambda error: unreadable(release, error))


def unreadable(release: Path, error: duckdb.Error) -> str:
    """What to tell of a release folder whose database cannot be read, and what to do."""
    return (
        f"Release {release.name} cannot be read: {release / 'marts.duckdb'}: {error}\n`aipl verify` shows"
        " which files are damaged; `aipl rollback` makes the previous release current. To restore the files,"
        " see docs/runbooks/restore.md."
    )


@contextmanager
def new_release(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[None]:
    """Attach a new `marts.duckdb` in `folder` as `release`, and detach it when the block ends well.

    Raises RuntimeError when the database was not written out in full.
    """
    target = sql_text(folder / "marts.duckdb")
    connection.execute(f"attach {target} as release (storage_version '{STORAGE_VERSION}')")
    yield
    connection.execute("detach release")
    if (folder / "marts.duckdb.wal").exists():
        raise RuntimeError(f"{folder}/marts.duckdb was not written out in full: its .wal is left")


def copy_marts(
    connection: duckdb.DuckDBPyConnection, folder: Path, mask: Mask, contracts: Mapping[str, Contract]
) -> dict[str, int]:
    """Copy schema `marts` of the attached `warehouse` into `release` and `folder`; returns rows by mart.

    All are tables of the release, but for the views that their contracts have releases hold as views too.
    Those that are views alone have no rows of their own.

    Raises:
        RuntimeError: there is no mart, or such a view reads anything but marts.
        QualityStop: a mart would say who somebody is.
    """
    marts = connection.execute(
        "select table_name, table_type = 'VIEW' from information_schema.tables"
        " where table_catalog = 'warehouse' and table_schema = 'marts' order by table_name"
    ).fetchall()
    if not marts:
        raise RuntimeError("the warehouse has no table in schema marts")
    kinds = {mart: contracts[mart].published for mart, is_view in marts if is_view and mart in contracts}
    views = {mart: _view_query(connection, mart) for mart, kind in kinds.items() if kind != "table"}
    rows = {}
    for mart in [*(mart for mart, _ in marts if mart not in views), *_in_reading_order(views)]:
        if mart in views:
            # Like a macro it names its marts without a database, and reads the file that it is stored in.
            connection.execute("use release")
            connection.execute(f'create view "{mart}" as {views[mart]}')
            connection.execute("use memory")
        else:
            # Sorted by all columns, so that equal marts are equal files.
            connection.execute(f'create table release.main."{mart}" as {mask.query(mart)}')
        is_written = kinds.get(mart) != "view_only"
        if is_written:
            rows[mart] = _write_parquet(connection, folder, mart, is_sorted=mart not in views)
        mask.check(mart, texts=is_written)
        if mart in contracts:
            _describe(connection, contracts[mart], "view" if mart in views else "table")
    return rows


def marts_with_rows(connection: duckdb.DuckDBPyConnection, database: str, release: Path) -> set[str]:
    """Marts of a release that is attached as `database`, but for its views without a file in its folder."""
    views = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = $database and table_schema = 'main' and table_type = 'VIEW'",
        {"database": database},
    ).fetchall()
    alone = {name for (name,) in views if not (release / f"{name}.parquet").exists()}
    return mart_names(connection, database) - alone


def write_mart(connection: duckdb.DuckDBPyConnection, folder: Path, mart: Contract, query: str) -> int:
    """Write a table that the warehouse does not have, like a mart; returns its rows."""
    connection.execute(f'create table release.main."{mart.name}" as from ({query}) order by all')
    _describe(connection, mart, "table")
    return _write_parquet(connection, folder, mart.name)


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every macro whose marts the attached `release` holds.

    A macro names its marts without a database, so that it reads the file that it is stored in.
    """
    marts = mart_names(connection, "release")
    connection.execute("use release")
    for file in sorted(MACROS.glob("*.sql")):
        # The comment that the file begins with describes the macro.
        comment, start, body = file.read_text().partition("create macro")
        if set(MART.findall(body)) <= marts:
            connection.execute(start + body)
            head = " ".join(line.removeprefix("-- ") for line in comment.splitlines())
            connection.execute(f"comment on macro table {file.stem} is {sql_text(head)}")
    connection.execute("use memory")


def mart_names(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    """Tables and views of an attached release."""
    rows = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = $database and table_schema = 'main'",
        {"database": database},
    ).fetchall()
    return {name for (name,) in rows}


def _view_query(connection: duckdb.DuckDBPyConnection, mart: str) -> str:
    """What a view of the attached `warehouse` selects, its marts named without a database.

    Raises RuntimeError when it reads anything but marts.
    """
    found = connection.execute(
        "select sql from duckdb_views()"
        " where database_name = 'warehouse' and schema_name = 'marts' and view_name = $mart",
        {"mart": mart},
    ).fetchone()
    query = str(found[0] if found else "").partition(" AS ")[2].replace("warehouse.marts.", "")
    if not query or "warehouse." in query:
        raise RuntimeError(f"{mart} cannot be a view of a release: it reads more than marts")
    return query


def _in_reading_order(views: Mapping[str, str]) -> Iterable[str]:
    """The views, each after those that its query reads."""
    return TopologicalSorter(
        {view: (set(WORD.findall(query)) & views.keys()) - {view} for view, query in views.items()}
    ).static_order()


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, folder: Path, mart: str, *, is_sorted: bool = True
) -> int:
    """The rows in their order, for what has one; returns how many."""
    rows = f'from release.main."{mart}"' + ("" if is_sorted else " order by all")
    parquet = sql_text(folder / f"{mart}.parquet")
    written = connection.execute(
        f"copy ({rows}) to {parquet} (format parquet, compression zstd, compression_level 1)"
    ).fetchone()
    return written[0] if written else 0


def _describe(connection: duckdb.DuckDBPyConnection, mart: Contract, kind: str) -> None:
    """Put the descriptions of a mart and its published columns into `release`, as comments."""
    connection.execute(f'comment on {kind} release.main."{mart.name}" is {sql_text(mart.description)}')
    published = {name for name, _ in columns_of(connection, "release", mart.name)}
    for column in mart.columns:
        if column.name in published:
            told = f"{column.description} {HASHED_COMMENT}" if column.personal else column.description
            connection.execute(
                f'comment on column release.main."{mart.name}"."{column.name}" is {sql_text(told)}'
            )
