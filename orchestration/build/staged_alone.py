"""Stage some files of one source alone, in a database in memory, before anything is built of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.readers import raw_schema
from orchestration.build.prepared import StagedEntity, StagingSql
from orchestration.core.database import connect, sql_text
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Format

if TYPE_CHECKING:
    import duckdb

ENTITY = 'staged."{}"'
# Rows of an entity that are looked at for some that repeat: their numbers are held in memory.
LOOKED_AT = 1_000_000


@dataclass(frozen=True)
class RawFile:
    """A parsed dump: its table, its load date and its Parquet; `file` is the name of the dump."""

    table: str
    load_date: date
    file: str
    path: Path


class StagingError(Exception):
    """A staging model that cannot be run over some files: `model`, and why."""

    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"{model}: {why}")
        self.model, self.why = model, why


@contextmanager
def staged_alone(
    settings: Settings, source: Source, sql: StagingSql, files: Iterable[RawFile]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the staging models over these files of a source; `staged.<entity>` has the rows of each
    entity that reads one of them, as the warehouse would read them.

    Raises StagingError, on entering, for a model whose SQL is wrong.
    """
    with TemporaryDirectory(prefix="staging-", dir=_folder(settings)) as folder, connect() as connection:
        raw = Path(folder)
        delivered = _lay_out(settings, source, files, raw)
        connection.execute(
            f"set TimeZone = 'UTC'; set memory_limit = {sql_text(settings.memory)};"
            "attach ':memory:' as warehouse; create schema staged"
        )
        entities = {entity.model: (name, entity) for name, entity in sql.entities[source.source_id].items()}
        for one in sql.relations:
            if one.tables and delivered.isdisjoint(one.tables):
                continue
            connection.execute(f"create schema if not exists {one.relation.rpartition('.')[0]}")
            # The models name raw by its path, which is absolute and nowhere else in them.
            query = one.query.replace(f"{settings.raw}/", f"{raw}/")
            with _named(one.name):
                connection.execute(f"create view {one.relation} as {query}")
                if one.name in entities:
                    name, entity = entities[one.name]
                    supplied = _complete(connection, one.relation, query, entity)
                    rows = entity.item_rows if {"_document", "_item"} <= set(supplied) else entity.rows
                    connection.execute(f"create view {ENTITY.format(name)} as {rows}")
        yield connection


@contextmanager
def _named(model: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise StagingError(model, " ".join(str(error).partition("\nLINE ")[0].split())) from error


def _folder(settings: Settings) -> Path:
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    return settings.dbt_target


def _lay_out(settings: Settings, source: Source, files: Iterable[RawFile], raw: Path) -> set[str]:
    """Put files where staging looks for them, with a file without rows for each table, as raw has.

    Returns the tables of the files, as `<source>.<table>`.
    """
    first: dict[str, Path] = {}
    for number, file in enumerate(files):
        place = raw / source.source_id / file.table / f"load_date={file.load_date}" / f"{number}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(file.path)
        first.setdefault(file.table, file.path)
    for name, table in source.tables.items():
        delivered = pa.schema([])
        if table.format is Format.PARQUET and name in first:
            schema = pq.read_schema(first[name])
            delivered = pa.schema([schema.field(c) for c in schema.names if c in table.columns.declared])
        place = raw / source.source_id / name / "load_date=0001-01-01" / "schema.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        known = settings.raw / place.relative_to(raw)
        if known.exists():
            place.symlink_to(known)
        else:
            pq.write_table(raw_schema(table, delivered).empty_table(), place)
    return {f"{source.source_id}.{table}" for table in first}


def _complete(
    connection: duckdb.DuckDBPyConnection, relation: str, query: str, entity: StagedEntity
) -> list[str]:
    """Give a staging model the optional columns that it lacks, as NULL; returns those that it supplies."""
    supplied = connection.sql(f"select * from {relation}").columns
    if lacking := [name for name in entity.optional if name not in supplied]:
        nulls = ", ".join(f"cast(null as varchar) as {name}" for name in lacking)
        connection.execute(f"create or replace view {relation} as select *, {nulls} from ({query})")
    return supplied


def entities_in(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the entities that have rows in a database of `staged_alone`."""
    views = connection.execute(
        "select view_name from duckdb_views() where schema_name = 'staged' order by view_name"
    )
    return [name for (name,) in views.fetchall()]


@dataclass(frozen=True)
class StagedRows:
    """Staged rows of one entity, raw file and reject reason (None: not rejected), with the column that it is
    about, if it says so.

    `rows` are the numbers of the raw rows of those that are rejected, in order; several items have the same.
    """

    entity: str
    file: str
    reason: str | None
    column: str | None
    count: int
    rows: pa.Array[Any]


@dataclass(frozen=True)
class Repeated:
    """Raw rows of one file that are several rows of one entity, without a number of each; `row` is the first.

    Of a large entity some of the raw rows are looked at, so that there may be more.
    """

    entity: str
    file: str
    count: int
    row: int


@dataclass(frozen=True)
class Counted:
    """Staged rows of some files by what became of them, and those without a number."""

    rows: Sequence[StagedRows] = ()
    repeated: Sequence[Repeated] = ()


def count_staged(settings: Settings, source: Source, sql: StagingSql, files: Sequence[RawFile]) -> Counted:
    """Stage files alone and count the rows. Raises StagingError for a model that cannot be run over them."""
    found: list[StagedRows] = []
    repeated: list[Repeated] = []
    with staged_alone(settings, source, sql, files) as connection:
        for name in entities_in(connection):
            with _named(sql.entities[source.source_id][name].model):
                # The hash asks for every value, so that whatever cannot be read fails here.
                counted = connection.execute(
                    "select _file, reject_reason, reject_column, count(*) as _count, max(hash(rows)),"
                    " coalesce(list(_row order by _row) filter (reject_reason is not null), []) as _rows"
                    f" from {ENTITY.format(name)} as rows group by all order by all"
                ).to_arrow_table()
                repeated += _repeated(connection, name, counted["_count"].to_pylist())
            *columns, numbers = counted.columns
            facts = zip(*(column.to_pylist() for column in columns), strict=True)
            found += [
                StagedRows(name, file, reason, column, count, rows.values)
                for (file, reason, column, count, _), rows in zip(facts, numbers, strict=True)
            ]
    return Counted(found, repeated)


def _repeated(connection: duckdb.DuckDBPyConnection, entity: str, counts: Sequence[int]) -> list[Repeated]:
    step = 1 + sum(counts) // LOOKED_AT
    found = connection.execute(
        "select _file, count(*), min(_row) from ("
        f"select _file, _row from {ENTITY.format(entity)} where _row % {step} = 0"
        " group by _file, _row, _item having count(*) > 1) group by _file order by _file"
    ).fetchall()
    return [Repeated(entity, *facts) for facts in found]


def locate(
    settings: Settings, source: Source, sql: StagingSql, files: Sequence[RawFile]
) -> tuple[RawFile, int | None] | None:
    """The file over which staging fails, and the number of its row; None where none does it alone, or where
    it fails without rows too.
    """
    broken = next((file for file in files if _fails(settings, source, sql, [file])), None)
    if broken is None:
        return None
    with TemporaryDirectory(prefix="staging-", dir=_folder(settings)) as folder:
        rows, part = pq.read_table(broken.path, partitioning=None), Path(folder) / "part.parquet"

        def fails(some: pa.Table) -> bool:
            pq.write_table(some, part)
            return _fails(settings, source, sql, [replace(broken, path=part)])

        if fails(rows.slice(0, 0)):
            return None
        while rows.num_rows > 1:
            middle = rows.num_rows // 2
            failing = next(
                (half for half in (rows.slice(0, middle), rows.slice(middle)) if fails(half)), None
            )
            if failing is None:
                return broken, None
            rows = failing
    return broken, rows["_row"][0].as_py()


def told_with_place(
    settings: Settings, source: Source, sql: StagingSql, files: Sequence[RawFile], error: Exception
) -> tuple[str, RawFile | None, int | None]:
    """An error of staging in words, with the file and the number of the row as far as they are found."""
    file, row = locate(settings, source, sql, files) or (None, None)
    where = f" over {file.file}" if file else ""
    where += f", row {row}" if row is not None else ""
    if isinstance(error, StagingError):
        return f"{error.model} cannot be run{where}: {error.why}", file, row
    return f"it stops{where}: {' '.join(str(error).split())}", file, row


def _fails(settings: Settings, source: Source, sql: StagingSql, files: Sequence[RawFile]) -> bool:
    try:
        count_staged(settings, source, sql, files)
    except StagingError:
        return True
    return False
