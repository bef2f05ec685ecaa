"""One small row of measures for each load date of an arriving table, from one pass over its Parquet."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from expectations import NO_BAR
from expectations.baseline import History, Judged, Measures, judge
from expectations.suites.arrival import (
    COLUMN_COUNT,
    DAMAGED_SHARE,
    DAYS_BEHIND,
    DUPLICATE_SHARE,
    FUTURE_SHARE,
    ArrivalFile,
    ArrivalTable,
    arrival_suite,
    median_of,
    not_number_share,
    null_share,
    number_share,
    outside_share,
    unknown_share,
)

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    Values = Mapping[str, int | float | date | None]
    Judgements = Mapping[str, Mapping[date, Sequence[Judged]]]


BATCH_ROWS = 1_000_000
_PATH = "path of the parquet file"
_DAY = "load date of the file"
# What UTF-8 looks like after it was read as Latin-1, Windows-1252 or GBK; and what decoders write in despair.
_DAMAGE = r"\x{FFFD}|Ã[\x{80}-\x{BF}]|â€|ä[\x{B8}-\x{BD}][\x{80}-\x{BF}]|锟斤拷"


class ProfileError(ValueError):
    """What arrived is not what the load manifest says: a fault of ours, not of the data."""


def load_measures(table: ArrivalTable) -> dict[date, Measures]:
    """Measures by load date: row_count, unreadable_count, unreadable_share, shares and medians of columns.

    Raises ProfileError, or duckdb.Error where a Parquet file or a column cannot be read.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(NO_BAR)
        _require_whole(table, connection)
        values = _values_by_day(table, connection)
        repeated = _repeated_by_day(table, connection)
        columns = _columns_by_day(table, connection)
    days = sorted({file.load_date for file in table.files})
    return {
        day: _measures(table, day, values.get(day, {}), repeated.get(day, 0)) | columns.get(day, {})
        for day in days
    }


def arrival_profile(table: ArrivalTable, judged: Judgements) -> pd.DataFrame:
    """The measures as columns, with load_date (ISO text) and the widest deviation of each rule about drift.

    Shares are numbers, 0 where there is nothing to take a share of, so that no bound is passed by NULL. A
    deviation is NULL where a load is not judged.
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "load_date": day.isoformat(),
                **measures,
                **{column: _widest(found[day]) for column, found in judged.items()},
            }
            for day, measures in table.measures.items()
        ]
    )


def judgements(table: ArrivalTable) -> Judgements:
    """Each load against its past, by the profile's column of the rule and load date.

    Loads that are judged together are each other's past. A day that is known to be unusual is not judged.
    """
    known: History = {**table.history, **table.measures}
    past = {day: measures for day, measures in known.items() if day not in table.unusual_dates}
    return {
        str(rule.arguments["column"]): {
            day: [judge(drift, past, day, measures) for drift in rule.drifts if day in past]
            for day, measures in table.measures.items()
        }
        for rule in arrival_suite(table).rules
        if rule.drifts
    }


def _widest(judged: Sequence[Judged]) -> float | None:
    return max((one.deviation for one in judged if one.deviation is not None), default=None)


def _require_whole(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> None:
    """Raise ProfileError unless each Parquet holds the rows of the manifest; makes the table `files`."""
    connection.execute("create table files (path varchar, load_date date)")
    files = {str(file.path): file for file in table.files if file.path is not None}
    if not files:
        return
    connection.executemany(
        "insert into files values (?, ?)", [(path, file.load_date) for path, file in files.items()]
    )
    found = dict(
        connection.execute(
            f'select "{_PATH}", count(*) from {_READ} group by all', {"paths": _paths(table.files)}
        ).fetchall()
    )
    for path, file in files.items():
        if found.get(path, 0) != file.row_count:
            raise ProfileError(
                f"{table.name}, load {file.load_date}: {path} holds {found.get(path, 0)} rows, "
                f"the load manifest says {file.row_count}. Read the dump again."
            )


_READ = f"read_parquet($paths, filename = '{_PATH}', union_by_name = true, hive_partitioning = false)"
_LOADED = (
    f'(select rows.*, files.load_date as "{_DAY}" from {_READ} as rows inner join files on "{_PATH}" = path)'
)


def _paths(files: Sequence[ArrivalFile]) -> list[str]:
    return [glob.escape(str(file.path)) for file in files if file.path is not None]


def _batches(table: ArrivalTable) -> Iterator[list[str]]:
    """The paths of whole load dates, of so many that each batch but the last holds BATCH_ROWS or more."""
    batch: list[ArrivalFile] = []
    by_day = sorted(table.files, key=lambda file: file.load_date)
    for _, files in groupby(by_day, key=lambda file: file.load_date):
        batch += files
        if sum(file.row_count for file in batch) >= BATCH_ROWS:
            yield _paths(batch)
            batch = []
    if paths := _paths(batch):
        yield paths


def _values_by_day(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> dict[date, Values]:
    """Counts, newest time and medians of each load date."""
    if not (paths := _paths(table.files)):
        return {}
    parameters: dict[str, object] = {"paths": paths}
    measured = {"rows": "count(*)", **dict(_columns_measured(table))}
    for position, (column, words) in enumerate(table.vocabulary.items()):
        known = f"list_contains($words_{position}, {_text(column)})"
        parameters[f"words_{position}"] = [str(word) for word in words]
        measured[f"unknown {column}"] = f"count(*) filter (not {known})"
    query = f'select "{_DAY}", {", ".join(measured.values())} from {_LOADED} group by all'
    rows = connection.execute(query, parameters).fetchall()
    return {day: dict(zip(measured, values, strict=True)) for day, *values in rows}


def _columns_measured(table: ArrivalTable) -> Iterator[tuple[str, str]]:
    """Name and SQL of what is counted, but for vocabularies."""
    for column in dict.fromkeys([*table.not_null, *table.columns, *table.vocabulary, *table.amounts]):
        yield f"values {column}", f"count({_quoted(column)})"
    for column in dict.fromkeys([*table.columns, *table.amounts]):
        yield f"numbers {column}", f"count({_number(column)})"
    for column, (low, high) in table.amounts.items():
        number = _number(column)
        yield f"outside {column}", f"count(*) filter ({number} not between {low!r} and {high!r})"
        yield f"median {column}", f"approx_quantile({number}, 0.5)"
    if table.event_time:
        time = _time(_text(table.event_time.column), table.event_time.format)
        last = f'"{_DAY}" + interval 2 day'
        yield "future", f"count(*) filter ({time} >= {last})"
        yield "newest", f"cast(max({time}) filter ({time} < {last}) as date)"
    if table.columns:
        damaged = " or ".join(map(_is_damaged, map(_text, table.columns)))
        yield "damaged", f"count(*) filter ({damaged})"


def _repeated_by_day(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> dict[date, int]:
    """Rows that repeat the key of another one of their load date.

    A few load dates at a time: the keys of a year take gigabytes.
    """
    if not table.key:
        return {}
    key = ", ".join(map(_quoted, table.key))
    query = f"""
        select load_date, sum(times - 1)
        from (
            select "{_DAY}" as load_date, {key}, count(*) as times
            from {_LOADED} group by all having times > 1
        )
        group by all
    """
    return {
        day: int(repeated)
        for paths in _batches(table)
        for day, repeated in connection.execute(query, {"paths": paths}).fetchall()
    }


def _columns_by_day(
    table: ArrivalTable, connection: duckdb.DuckDBPyConnection
) -> dict[date, dict[str, float | None]]:
    """Most columns that a dump of each load date has, from the footers: undeclared ones are kept in raw."""
    if not (paths := _paths(table.files)):
        return {}
    query = """
        select load_date, max(columns)
        from (
            select file_name, count(*) as columns
            from parquet_schema($paths) where num_children is null group by all
        )
        inner join files on file_name = path
        group by load_date
    """
    found = connection.execute(query, {"paths": paths}).fetchall()
    return {day: {COLUMN_COUNT: float(columns)} for day, columns in found}


def _measures(table: ArrivalTable, day: date, values: Values, repeated: int) -> dict[str, float | None]:
    """The measures of one load."""
    files = [file for file in table.files if file.load_date == day]
    rows = sum(file.row_count for file in files)
    unreadable = sum(file.unreadable_count for file in files)
    # A dump cut off in its last line is still worth having.
    counted = sum(_counted(file.unreadable_count) for file in files)
    measures: dict[str, float | None] = {
        "row_count": rows,
        "unreadable_count": unreadable,
        "unreadable_share": _share(counted, rows + unreadable),
    }

    def count(what: str) -> int:
        found = values.get(what)
        return found if isinstance(found, int) else 0

    for column in dict.fromkeys([*table.not_null, *table.columns]):
        measures[null_share(column)] = _share(rows - count(f"values {column}"), rows)
    for column in table.vocabulary:
        measures[unknown_share(column)] = _share(count(f"unknown {column}"), count(f"values {column}"))
    for column in table.columns:
        filled = count(f"values {column}")
        measures[number_share(column)] = count(f"numbers {column}") / filled if filled else None
    for column in table.amounts:
        filled, numbers = count(f"values {column}"), count(f"numbers {column}")
        middle = values.get(f"median {column}")
        measures[not_number_share(column)] = _share(_counted(filled - numbers), filled)
        measures[outside_share(column)] = _share(_counted(count(f"outside {column}")), numbers)
        measures[median_of(column)] = float(middle) if isinstance(middle, int | float) else None
    if table.event_time:
        newest = values.get("newest")
        measures[FUTURE_SHARE] = _share(_counted(count("future")), rows)
        if table.covers_days_before is not None:
            covered = day - timedelta(days=table.covers_days_before)
            measures[DAYS_BEHIND] = (covered - newest).days if isinstance(newest, date) else None
    if table.key:
        measures[DUPLICATE_SHARE] = _share(_counted(repeated), rows)
    if table.columns:
        measures[DAMAGED_SHARE] = _share(_counted(count("damaged")), rows)
    return measures


def _counted(found: int) -> int:
    """One row is forgiven: in a small load it would be a large share."""
    return found if found > 1 else 0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(column: str) -> str:
    return f"cast({_quoted(column)} as varchar)"


def _number(column: str) -> str:
    # NaN and infinity are words, not numbers. A cast that fails takes long: what begins with a letter, and
    # what holds a colon, as times do, is not tried.
    text = _text(column)
    number = f"try_cast({text} as double)"
    return f"case when {text} < ':' and not contains({text}, ':') and isfinite({number}) then {number} end"


def _is_damaged(text: str) -> str:
    # Text of a wrong encoding is never plain ASCII; the rest is not searched. `and` would search it.
    is_ascii = f"strlen({text}) = length({text})"
    return f"case when {is_ascii} then false else regexp_matches({text}, '{_DAMAGE}') end"


def _time(text: str, written: str) -> str:
    if written == "unix_seconds":
        return f"make_timestamp(try_cast({text} as bigint) * 1000000)"
    if written == "iso":
        return f"try_cast(regexp_replace({text}, ' UTC$', '') as timestamp)"
    pattern = written.replace("'", "''")
    return f"try_strptime({text}, '{pattern}')"
