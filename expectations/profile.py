"""One small row of measures for each load date of an arriving table, from one pass over its Parquet."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from typing import TYPE_CHECKING

from expectations.suites.arrival import ArrivalTable, null_share, unknown_share

if TYPE_CHECKING:
    import pandas as pd

    Counts = Mapping[str, int]


_PATH = "path of the parquet file"


class ProfileError(ValueError):
    """What arrived is not what the load manifest says: a fault of ours, not of the data."""


def arrival_profile(table: ArrivalTable) -> pd.DataFrame:
    """Columns load_date (ISO text), row_count, unreadable_count, unreadable_share and shares of columns.

    Every share is a number, 0 where there is nothing to take a share of, so that no bound is passed by NULL.
    Raises ProfileError, or duckdb.Error where a Parquet file or a column cannot be read.
    """
    import pandas as pd

    counts = _counts_by_path(table)
    totals: dict[str, dict[str, int]] = {}
    for file in table.files:
        measured = counts.get(str(file.path), {})
        stored = measured.get("rows", 0)
        if stored != file.row_count:
            raise ProfileError(
                f"{table.name}, load {file.load_date}: {file.path} holds {stored} rows, "
                f"the load manifest says {file.row_count}. Read the dump again."
            )
        total = totals.setdefault(file.load_date.isoformat(), {})
        own = {
            "row_count": file.row_count,
            "unreadable_count": file.unreadable_count,
            # A dump cut off in its last line is still worth having.
            "counted_unreadable": file.unreadable_count if file.unreadable_count > 1 else 0,
        }
        for name, value in (own | dict(measured)).items():
            total[name] = total.get(name, 0) + value
    return pd.DataFrame([_shares(table, day, total) for day, total in sorted(totals.items())])


def _counts_by_path(table: ArrivalTable) -> dict[str, Counts]:
    """Per Parquet path: rows, NULLs of `not_null` columns, values and unknown words of vocabularies."""
    import duckdb

    paths = [str(file.path) for file in table.files if file.path is not None]
    if not paths:
        return {}
    measures = {"rows": "count(*)"}
    parameters: dict[str, object] = {"paths": [glob.escape(path) for path in paths]}
    for column in table.not_null:
        measures[f"nulls {column}"] = f"count(*) - count({_quoted(column)})"
    for position, (column, words) in enumerate(table.vocabulary.items()):
        known = f"list_contains($words_{position}, cast({_quoted(column)} as varchar))"
        parameters[f"words_{position}"] = [str(word) for word in words]
        measures[f"values {column}"] = f"count({_quoted(column)})"
        measures[f"unknown {column}"] = f"count(*) filter (not {known})"
    query = f"""
        select "{_PATH}", {", ".join(measures.values())}
        from read_parquet($paths, filename = '{_PATH}', union_by_name = true, hive_partitioning = false)
        group by "{_PATH}"
    """
    with duckdb.connect() as connection:
        rows = connection.execute(query, parameters).fetchall()
    return {path: dict(zip(measures, values, strict=True)) for path, *values in rows}


def _shares(table: ArrivalTable, day: str, total: Counts) -> dict[str, str | int | float]:
    """One row of the profile."""
    rows = total["row_count"]
    read = rows + total["unreadable_count"]
    return {
        "load_date": day,
        "row_count": rows,
        "unreadable_count": total["unreadable_count"],
        "unreadable_share": _share(total["counted_unreadable"], read),
        **{null_share(c): _share(total.get(f"nulls {c}", 0), rows) for c in table.not_null},
        **{
            unknown_share(c): _share(total.get(f"unknown {c}", 0), total.get(f"values {c}", 0))
            for c in table.vocabulary
        },
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
