"""The release that a page reads: resolved once, opened read only, named by its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from expectations.results import GateResult
from orchestration.core import database
from orchestration.core.errors import AiplError
from orchestration.publish.marts import unreadable
from orchestration.publish.releases import Release

# One row per brand with data; the bucket of rows without a brand comes last.
BRANDS = """
    select brand_id, coalesce(brand_name, brand_id) as name, currency, first_day, horizon
    from dim_brand
    where horizon is not null and first_day is not null
    order by is_unbranded, brand_name, brand_id
"""
# One row per preset and stage, lowest rank first.
STAGES = "select preset, stage, stage_rank, name_en, name_zh from dim_aipl_stage order by preset, stage_rank"


class DamagedRelease(AiplError):
    """The current release is there but cannot be read."""


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """The marts of a release, read only and with no way out of their file.

    Raises DamagedRelease when the file is gone or is no database that this DuckDB reads.
    """
    try:
        connection = database.connect(folder / "marts.duckdb", read_only=True)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except duckdb.Error as error:
        raise DamagedRelease(unreadable(folder, error)) from error
    return connection


def gate_of(release: Release) -> GateResult:
    """What the mart gate found in the build of a release."""
    return GateResult.from_json(json.dumps(release.manifest["gates"]["marts"]))


def ask(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: Any) -> pd.DataFrame:
    """The answer to a query with named parameters; a cursor of its own, since sessions share a connection."""
    with connection.cursor() as cursor:
        return cursor.execute(sql, parameters).df()


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Every row, its columns as attributes: their types are those of the query, which no checker knows."""
    return iter(frame.itertuples(index=False))
