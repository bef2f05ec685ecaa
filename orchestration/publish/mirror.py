"""Copy the current release into a PostgreSQL schema, for tools that open no file.

Marts that are views alone are not in it. All in one transaction. Tables stay and their rows are replaced,
since PostgreSQL keeps old rows for queries that are already running, but not old tables: docs/decisions/0053.
No error shows the server's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.publish.marts import marts_with_rows, open_marts
from orchestration.publish.releases import release_folders, require_current

if TYPE_CHECKING:
    from psycopg import Connection, Error
    from psycopg.sql import Composed

SCHEMA = "aipl"
MARK = "Mirrored by aipl-warehouse: release "
BATCH_ROWS = 100_000
# The step of a run that copies.
MIRROR = "mirror"
CONNECT_SECONDS = 15
# Another mirror at work is waited for; of a table somebody holds, readers would wait with us.
MIRROR_TIMEOUT, TABLE_TIMEOUT = "10min", "30s"
TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(38,0)",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


@dataclass(frozen=True)
class Mirrored:
    """The release that PostgreSQL shows, and the rows that were copied: None when it was there already."""

    release_id: str
    rows: int | None

    @property
    def told(self) -> str:
        """In one line."""
        rows = "unchanged" if self.rows is None else counted(self.rows, "row")
        return f"{self.release_id} in PostgreSQL, schema {SCHEMA}, {rows}"


@dataclass(frozen=True)
class Column:
    """A column of a mart: its type in DuckDB, and what is said of it."""

    name: str
    duckdb_type: str
    comment: str | None

    @property
    def type(self) -> str:
        """Its type in PostgreSQL, as PostgreSQL writes it. Raises InputError for one that has none there."""
        if self.is_nested:
            return "jsonb"
        if decimal := re.fullmatch(r"DECIMAL(\(\d+,\d+\))", self.duckdb_type):
            return f"numeric{decimal[1]}"
        if self.duckdb_type not in TYPES:
            raise InputError(
                f"Column {self.name} has the DuckDB type {self.duckdb_type}, which the mirror does not"
                " support. Cast it in the model, or add the type to orchestration/publish/mirror.py."
            )
        return TYPES[self.duckdb_type]

    @property
    def is_nested(self) -> bool:
        """Whether it holds lists, structs or maps."""
        return self.duckdb_type.endswith("]") or self.duckdb_type.startswith(("STRUCT(", "MAP("))

    @property
    def selected(self) -> str:
        """What to read of it in DuckDB."""
        name = '"' + self.name.replace('"', '""') + '"'
        return f"to_json({name})::varchar" if self.is_nested else name


@dataclass(frozen=True)
class Table:
    """A mart: its columns in their order, and what is said of it."""

    name: str
    comment: str | None
    columns: list[Column]


def mirror(settings: Settings, *, take_over: bool = False) -> Mirrored:
    """Make the schema `aipl` of `AIPL_MIRROR_URL` equal to the current release, unless it is already.

    Readers see all of the release before until all of this one is there; a kill leaves the one before.
    `take_over` is whether it may show a release of another home so far.

    Raises:
        InputError: there is no release or no address, or the schema holds what is not this home's mirror.
        EnvironmentStop: the release is damaged, or PostgreSQL cannot be reached or refuses something.
    """
    if settings.mirror_url is None:
        raise InputError(
            "AIPL_MIRROR_URL is not set. It names the PostgreSQL database for the current release, for"
            " example postgresql://user:password@host:5432/database. See docs/connect.md."
        )
    with _session(settings.mirror_url) as postgres:
        shown = _begin(postgres)
        # Not before the lock: else the slower one of two mirrors could bring back an older release.
        release = require_current(settings)
        if shown == release.release_id:
            return Mirrored(release.release_id, None)
        with open_marts(release.folder) as marts:
            mirrored = marts_with_rows(marts, "marts", release.folder)
            tables = [table for table in _tables(marts) if table.name in mirrored]
            if shown and not take_over:
                _require_own(settings, marts, shown)
            _shape(postgres, tables)
            rows = sum(_replace_rows(postgres, marts, table) for table in tables)
        postgres.execute(_comments(tables, release.release_id))
    return Mirrored(release.release_id, rows)


@contextmanager
def _session(address: str) -> Iterator[Connection[Any]]:
    """One transaction: committed when the block succeeds, rolled back otherwise.

    Raises:
        InputError: psycopg is not installed, or this is no address.
        EnvironmentStop: the server cannot be reached, or refuses something, now or in the block.
    """
    try:
        import psycopg
    except ImportError as error:
        raise InputError(
            "AIPL_MIRROR_URL is set, but psycopg, the PostgreSQL driver, is not installed. Run `make setup`."
        ) from error
    given = {"connect_timeout": CONNECT_SECONDS} | _parsed(address)
    try:
        with psycopg.connect(**given) as connection:
            yield connection
    except psycopg.Error as error:
        raise EnvironmentStop(
            f"The mirror in PostgreSQL was not made: {_reason(error)}. It is unchanged, and the"
            " release was published anyway. Fix the cause, then run `aipl mirror`; see docs/connect.md."
        ) from error


def _parsed(address: str) -> dict[str, Any]:
    """The parts of an address. Raises InputError, which quotes none of them, for one that is misread.

    A password with an @ or / that is not written %40 or %2F would stand in the parts that errors name.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(address)
    except ProgrammingError:
        parts = {}
    named = "".join(str(parts.get(name) or "") for name in ("host", "port", "dbname"))
    if not parts or "@" in named:
        raise InputError(
            "AIPL_MIRROR_URL cannot be read. Write postgresql://user:password@host:5432/database, with"
            " %40 for an @ in the password, %2F for a / and %25 for a %."
        )
    return parts


def _reason(error: Error) -> str:
    """What the server or the driver said, in one line."""
    said = error.diag.message_primary or str(error)
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return " ".join(f"{said}{detail}".split()).rstrip(".")


def _begin(postgres: Connection[Any]) -> str | None:
    """Wait for other mirrors and make the schema; returns the id of the release that it shows.

    Raises InputError for a schema that holds something, but not a mirror.
    """
    postgres.execute(f"set local lock_timeout = '{MIRROR_TIMEOUT}'")
    postgres.execute("select pg_advisory_xact_lock(hashtext(%s))", [MARK])
    postgres.execute(f"set local lock_timeout = '{TABLE_TIMEOUT}'")
    found = postgres.execute(
        "select obj_description(oid, 'pg_namespace'),"
        " exists (select from pg_class where relnamespace = pg_namespace.oid)"
        " from pg_namespace where nspname = %s",
        [SCHEMA],
    ).fetchone()
    if found is None:
        # Not `if not exists`: that would ask for a right on the database that nobody needs later.
        postgres.execute(f"create schema {SCHEMA}")
        return None
    comment, is_used = found
    if comment and comment.startswith(MARK):
        return str(comment.removeprefix(MARK))
    if is_used:
        raise InputError(
            f"The schema {SCHEMA} of the database in AIPL_MIRROR_URL holds something that is not a mirror"
            " of a release. The mirror needs this schema: rename or drop it, or name another database."
        )
    return None


def _require_own(settings: Settings, marts: duckdb.DuckDBPyConnection, shown: str) -> None:
    """Raises InputError when PostgreSQL shows a release that this home never had."""
    chain = marts.execute("select release_id from dim_release").fetchall()
    known = {release_id for (release_id,) in chain} | {folder.name for folder in release_folders(settings)}
    if shown not in known:
        raise InputError(
            f"The database in AIPL_MIRROR_URL shows release {shown}, which {settings.home} never had: it"
            " mirrors another home, or this home was restored from an older backup. To make it the mirror of"
            " this home, run `aipl mirror --take-over`."
        )


def _tables(marts: duckdb.DuckDBPyConnection) -> list[Table]:
    """The marts of a release."""
    tables = marts.execute(
        "select table_name, table_comment from information_schema.tables"
        " where table_catalog = current_database() and table_schema = 'main' order by table_name"
    ).fetchall()
    columns = marts.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'main' and not internal"
        " order by table_name, column_index"
    ).fetchall()
    return [
        Table(name, comment, [Column(*column) for table, *column in columns if table == name])
        for name, comment in tables
    ]


def _shape(postgres: Connection[Any], tables: list[Table]) -> None:
    """Give the schema these tables with these columns; what is so already is not touched."""
    from psycopg.sql import SQL, Identifier

    # Tables of somebody else in our schema are theirs.
    existing: dict[str, set[tuple[str, str]]] = {}
    for table, column, kind in postgres.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
        " from pg_namespace as n"
        " inner join pg_class as c on c.relnamespace = n.oid and c.relowner = n.nspowner"
        " left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where n.nspname = %s and c.relkind = 'r'",
        [SCHEMA],
    ):
        existing.setdefault(table, set()).add((column, kind))
    for name in existing.keys() - {table.name for table in tables}:
        postgres.execute(SQL("drop table {}").format(Identifier(SCHEMA, name)))
    for table in tables:
        qualified = Identifier(SCHEMA, table.name)
        if table.name not in existing:
            postgres.execute(SQL("create table {} ()").format(qualified))
        before = existing.get(table.name, set())
        wanted = [(column.name, column.type) for column in table.columns]
        changes = [
            *(SQL("drop column {}").format(Identifier(name)) for name, _ in before - set(wanted)),
            *(
                SQL("add column {} " + kind).format(Identifier(name))
                for name, kind in wanted
                if (name, kind) not in before
            ),
        ]
        if changes:
            postgres.execute(SQL("alter table {} {}").format(qualified, SQL(", ").join(changes)))


def _replace_rows(postgres: Connection[Any], marts: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Delete the rows of a table and copy those of the mart, in batches; returns how many."""
    import pyarrow as pa
    from psycopg.sql import SQL, Identifier
    from pyarrow.csv import WriteOptions, write_csv

    target = Identifier(SCHEMA, table.name)
    names = SQL(", ").join(Identifier(column.name) for column in table.columns)
    postgres.execute(SQL("delete from {}").format(target))
    selected = ", ".join(column.selected for column in table.columns)
    batches = marts.execute(f'select {selected} from "{table.name}"').to_arrow_reader(BATCH_ROWS)
    with postgres.cursor() as cursor:
        with cursor.copy(
            SQL("copy {} ({}) from stdin (format csv, encoding 'UTF8')").format(target, names)
        ) as copy:
            for batch in batches:
                # Texts are quoted and NULL is not, by which COPY tells NULL from an empty text.
                lines = pa.BufferOutputStream()
                write_csv(batch, lines, WriteOptions(include_header=False))
                copy.write(lines.getvalue().to_pybytes())
        return cursor.rowcount


def _comments(tables: list[Table], release_id: str) -> Composed:
    """All comments in one statement; that of the schema says which release it is."""
    from psycopg.sql import SQL, Identifier, Literal

    said = [SQL("comment on schema {} is {}").format(Identifier(SCHEMA), Literal(MARK + release_id))]
    for table in tables:
        place = Identifier(SCHEMA, table.name)
        said.append(SQL("comment on table {} is {}").format(place, Literal(table.comment)))
        said += [
            SQL("comment on column {} is {}").format(
                Identifier(SCHEMA, table.name, column.name), Literal(column.comment)
            )
            for column in table.columns
        ]
    return SQL("; ").join(said)
