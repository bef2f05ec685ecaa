"""What staging rejects of a file version while no build has staged it, found when it was staged alone.

It holds nobody's values: the rows themselves lie in arrivals or raw.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.arrival.file_versions import FileVersion
from orchestration.arrival.parsed import find_parsed, parsed_path
from orchestration.core.atomic import replacing
from orchestration.core.database import connect
from orchestration.core.settings import Settings

# For each rejected row of an entity the number of its raw row, which is there once for each of its items.
TRIAL = pa.schema(
    [("entity", pa.string()), ("column_name", pa.string()), ("reason", pa.string()), ("_row", pa.int64())]
)


def keep_trial(settings: Settings, version: FileVersion, rejected: pa.Table) -> None:
    """Keep what was rejected of a version (`TRIAL`), replacing what was kept before; nothing without rows."""
    path = parsed_path(settings.trials, version)
    if not rejected.num_rows:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as part:
        pq.write_table(rejected.cast(TRIAL), part, compression="zstd")


def read_trial(settings: Settings, version: FileVersion) -> pa.Table:
    """What was rejected of a version (`TRIAL`); no rows if nothing was, or if it was not staged alone."""
    try:
        return pq.read_table(parsed_path(settings.trials, version), partitioning=None)
    except FileNotFoundError:
        return TRIAL.empty_table()


def forget_erased(settings: Settings, version: FileVersion) -> None:
    """Take out what was rejected of rows that the version no longer has."""
    rejected = read_trial(settings, version)
    places = (parsed_path(settings.raw, version), parsed_path(settings.arrivals, version))
    # The manifest may count the rows that are gone still.
    parsed = next((place for place in places if place.exists()), None)
    if rejected.num_rows and parsed:
        known = pq.read_table(parsed, columns=["_row"], partitioning=None)["_row"]
        keep_trial(settings, version, rejected.filter(pc.is_in(rejected["_row"], value_set=known)))


def raw_texts(settings: Settings, version: FileVersion, rows: Collection[int]) -> dict[int, str]:
    """Rows of a version as JSON, by their number; none where its file is gone or damaged."""
    if (path := find_parsed(settings, version)) is None:
        return {}
    with connect() as connection:
        found = connection.execute(
            "select _row, to_json(raw) from read_parquet($path, hive_partitioning = false) as raw"
            " where _row in (select unnest($rows))",
            {"path": str(path), "rows": sorted(set(rows))},
        ).fetchall()
    return dict(found)
