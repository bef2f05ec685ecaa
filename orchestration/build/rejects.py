"""What a build set aside, kept beside the warehouse: readable while the next run writes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build.warehouse import open_warehouse
from orchestration.core.atomic import replacing
from orchestration.core.database import sql_text
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings

MODELS = """
    select schema_name, table_name from duckdb_tables()
    union all
    select schema_name, view_name from duckdb_views()
"""
REJECTS = """
    select source_id, entity, column_name, reason, raw_row, _load_date, _file, _row
    from intermediate.int_rejects
"""
VERSIONS = """
    select
        source_id,
        '{entity}' as entity,
        _file,
        count(*) filter (is_current) as current,
        count(*) filter (not is_current) as superseded,
        0 as rejected
    from intermediate.int_{entity}
    group by source_id, _file
"""
REJECTED = """
    select source_id, entity, _file, 0 as current, 0 as superseded, count(*) as rejected
    from intermediate.int_rejects
    where entity in ({entities})
    group by source_id, entity, _file
"""
ACCOUNTS = """
    with files as (from read_parquet({files})),
    tables as (
        select source_id, table_name, cast(sum(row_count) as bigint) as raw
        from files group by source_id, table_name
    )
    select
        source_id, table_name, entity, raw,
        cast(sum(current) as bigint) as current,
        cast(sum(superseded) as bigint) as superseded,
        cast(sum(rejected) as bigint) as rejected
    from ({parts}) as counted
    inner join files using (source_id)
    inner join tables using (source_id, table_name)
    where files.file = counted._file
    group by source_id, table_name, entity, raw
"""
# What was changed is NULL for nearly all rows.
CHANGES = """
    select source_id, '{entity}' as entity, _file, unnest(string_split(cleaned, ', ')) as change
    from intermediate.int_{entity} where cleaned is not null
"""
# A kind that tells a value has it behind a colon: the most frequent ones are named.
CHANGED = """
    with counted as (
        select
            source_id, table_name, entity, split_part(change, ' ', 1) as "column",
            split_part(substr(change, instr(change, ' ') + 1), ': ', 1) as kind,
            nullif(split_part(change, ': ', 2), '') as word, count(*) as rows
        from ({parts}) as changed
        inner join read_parquet({files}) as files using (source_id)
        where files.file = changed._file
        group by all
    )
    select
        source_id, table_name, entity, "column", kind, cast(sum(rows) as bigint) as rows,
        coalesce(array_to_string(
            (list(word || ' ' || rows order by rows desc, word) filter (word is not null))[:5], ', '
        ), '') as words
    from counted
    group by source_id, table_name, entity, "column", kind
    order by all
"""
STAGED = "select source_id, file, version from read_parquet({files})"


def kept_rejects(settings: Settings) -> Path:
    """Rejects of staging in the last build that came so far, as `int_rejects` has them."""
    return settings.warehouse.with_name("rejects.parquet")


def kept_versions(settings: Settings) -> Path:
    """By source and file: the version that this build staged."""
    return settings.warehouse.with_name("staged.parquet")


def kept_accounts(settings: Settings) -> Path:
    """By source, table and entity: rows of raw, and those current, superseded, rejected in that build."""
    return settings.warehouse.with_name("accounts.parquet")


def kept_changes(settings: Settings) -> Path:
    """By source, table, entity, column and kind of change: rows of a changed value, and unknown words."""
    return settings.warehouse.with_name("changes.parquet")


def read_kept(path: Path, columns: list[str] | None = None) -> pa.Table:
    """One of these files, by default all `columns`, else those of them that it has.

    Raises EnvironmentStop when it is damaged, FileNotFoundError before the first.
    """
    try:
        known = pq.read_schema(path).names
        return pq.read_table(path, columns=[name for name in columns or known if name in known])
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise EnvironmentStop(
            f"{path} is damaged: {error}\nNothing is lost: `aipl rebuild` rebuilds it from raw."
        ) from error


def keep_rejects(settings: Settings, built: Collection[str] | None = None) -> None:
    """Write these files from the warehouse, which nobody else may have open.

    `built` names the models of a build that stopped halfway (None: all): what is not among them is of an
    older build and not told. Entities are what staging models are named after; a project, or such a build,
    without `int_rejects` keeps nothing.
    """
    with open_warehouse(settings) as connection:
        tables = connection.execute(MODELS).fetchall()
        models = {name for schema, name in tables if schema == "intermediate"}
        if built is not None:
            models &= set(built)
        if "int_rejects" not in models:
            return
        staged = {name.partition("__")[2] for schema, name in tables if schema == "staging"}
        entities = sorted(entity for entity in staged if f"int_{entity}" in models)
        rejected = REJECTED.format(entities=", ".join(map(sql_text, ["", *entities])))
        parts = " union all ".join([*(VERSIONS.format(entity=entity) for entity in entities), rejected])
        files = sql_text(settings.arrival / "files.parquet")
        kept = {
            kept_rejects(settings): REJECTS,
            kept_versions(settings): STAGED.format(files=files),
            kept_accounts(settings): ACCOUNTS.format(parts=parts, files=files),
        }
        if entities:
            changes = " union all ".join(CHANGES.format(entity=entity) for entity in entities)
            kept[kept_changes(settings)] = CHANGED.format(parts=changes, files=files)
        for path, query in kept.items():
            with replacing(path) as part:
                connection.execute(f"copy ({query}) to {sql_text(part)} (format parquet, compression zstd)")
