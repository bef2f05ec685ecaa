"""dbt's input files: `files`, `sources`, `brands` and `applied` as small Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import Arrival, read_arrival
from orchestration.arrival.file_versions import FileVersion
from orchestration.core.atomic import replacing
from orchestration.core.settings import Settings
from orchestration.sources.calendar import complete_through
from orchestration.sources.source import Source


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema(list(types.items()))


STRING, DAY = pa.string(), pa.date32()
FILES = _schema(
    source_id=STRING,
    table_name=STRING,
    file=STRING,
    load_date=DAY,
    version=STRING,
    row_count=pa.int64(),
    unreadable_count=pa.int64(),
)
SOURCES = _schema(
    source_id=STRING,
    feed=STRING,
    timezone=STRING,
    currency=STRING,
    starts_on=DAY,
    complete_through=DAY,
    is_stale=pa.bool_(),
    stale_reason=STRING,
)
BRANDS = _schema(source_id=STRING, brand_id=STRING, brand_name=STRING, timezone=STRING, currency=STRING)
DBT_INPUTS = ("files", "sources", "brands")


def dbt_inputs(arrival: Arrival) -> dict[str, pa.Table]:
    """What dbt reads of arrival: files in effect, sources with their horizons, declared brands."""
    files: list[dict[str, Any]] = []
    about: list[dict[str, Any]] = []
    brands: list[dict[str, Any]] = []
    for source_id, source in arrival.sources.items():
        deliveries = arrival.of(source_id)
        effective = deliveries.effective_of(source.tables)
        files.extend({name: getattr(version, name) for name in FILES.names} for version in effective)
        about.append(_source_row(source, effective, deliveries.stale_reason))
        brands.extend(_brand_rows(source))
    rows = {"files": (files, FILES), "sources": (about, SOURCES), "brands": (brands, BRANDS)}
    return {name: pa.Table.from_pylist(told, schema=schema) for name, (told, schema) in rows.items()}


def read_dbt_inputs(settings: Settings) -> dict[str, pa.Table]:
    """The same as it was last written."""
    return {name: pq.read_table(settings.arrival / f"{name}.parquet") for name in DBT_INPUTS}


def write_arrival(settings: Settings, arrival: Arrival) -> None:
    """Write dbt's input files."""
    for name, table in dbt_inputs(arrival).items():
        _write(settings.arrival / f"{name}.parquet", table)
    if not _is_of_this_format(settings.arrival / "applied.parquet"):
        # Whoever sees that it was written again builds in full.
        forget_applied(settings)


def forget_applied(settings: Settings) -> None:
    """Record that no file has been built."""
    _write(settings.arrival / "applied.parquet", FILES.empty_table())


def mark_applied(settings: Settings) -> None:
    """Record that the files in effect have been built: `applied` becomes a copy of `files`."""
    with replacing(settings.arrival / "applied.parquet") as part:
        part.write_bytes((settings.arrival / "files.parquet").read_bytes())


def applied_through(settings: Settings) -> int:
    """The last decision about loads that the finished build holds; 0 when it holds none."""
    applied = pq.read_table(settings.arrival / "applied.parquet", columns=["source_id", "file", "version"])
    held = {tuple(row.values()) for row in applied.to_pylist()}
    return max(
        (
            version.decision or 0
            for deliveries in read_arrival(settings, {}).deliveries.values()
            for version in deliveries.versions
            if (version.source_id, version.file, version.version) in held
        ),
        default=0,
    )


def _is_of_this_format(applied: Path) -> bool:
    try:
        return bool(pq.read_schema(applied).equals(FILES))
    except (OSError, pa.ArrowInvalid):
        return False


def _source_row(source: Source, effective: list[FileVersion], stale: str | None) -> dict[str, Any]:
    return {
        "source_id": source.source_id,
        "feed": source.feed,
        "timezone": source.timezone,
        "currency": source.currency,
        "starts_on": source.starts_on,
        "complete_through": complete_through(source, {version.load_date for version in effective}),
        "is_stale": stale is not None,
        "stale_reason": stale,
    }


def _brand_rows(source: Source) -> list[dict[str, Any]]:
    return [
        {
            "source_id": source.source_id,
            "brand_id": brand_id,
            "brand_name": brand.name,
            "timezone": brand.timezone or source.timezone,
            "currency": brand.currency or source.currency,
        }
        for brand_id, brand in source.brands.items()
    ]


def _write(path: Path, table: pa.Table) -> None:
    with replacing(path) as part:
        pq.write_table(table, part)
