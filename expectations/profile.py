"""One small row of measures for each load date of an arriving table, from one pass over its Parquet."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from expectations import NO_BAR
from expectations.baseline import History, Judged, judge
from expectations.suites.arrival import (
    COLUMN_COUNT,
    DAMAGED_SHARE,
    DAYS_BEHIND,
    DRIFT,
    DUPLICATE_SHARE,
    FUTURE_SHARE,
    MEDIAN,
    NOT_NUMBER_SHARE,
    NULL_SHARE,
    NUMBER_SHARE,
    OUTSIDE_SHARE,
    UNKNOWN_SHARE,
    ArrivalFile,
    ArrivalTable,
    either_of,
)
from expectations.suites.rule import Suite

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    ByDay = dict[date, dict[str, float | None]]
    Judgements = Mapping[str, Mapping[date, Sequence[Judged]]]

BATCH_ROWS = 1_000_000
_PATH = "path of the parquet file"
_DAY = "load date of the file"
# What UTF-8 looks like after it was read as Latin-1, Windows-1252 or GBK; and what decoders write in despair.
_DAMAGE = r"\x{FFFD}|Ã[\x{80}-\x{BF}]|â€|ä[\x{B8}-\x{BD}][\x{80}-\x{BF}]|锟斤拷"


class ProfileError(ValueError):
    """What arrived is not what the load manifest says: a fault of ours, not of the data."""


def load_measures(table: ArrivalTable) -> History:
    """Measures by load date: row_count, unreadable_count, unreadable_share, shares and medians of columns.

    Raises ProfileError, or duckdb.Error where a Parquet file or a column cannot be read.
    """
    import duckdb

    files = [
        (str(file.path) if file.path else None, file.load_date, file.row_count, file.unreadable_count)
        for file in table.files
    ]
    with duckdb.connect() as connection:
        connection.execute(NO_BAR)
        connection.execute(_SETUP)
        connection.executemany("insert into files values (?, ?, ?, ?)", files)
        measures = _by_day(connection, _COUNTS)
        parts = [_of_columns(table, connection)]
        if paths := _paths(table.files):
            _require_whole(table, connection)
            parts += [_by_day(connection, _COLUMN_COUNTS, {"paths": paths}), *_repeated(table, connection)]
    for part in parts:
        for day, measured in part.items():
            measures[day] |= measured
    return measures


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
                **{DRIFT.format(rule): _widest(found[day]) for rule, found in judged.items()},
            }
            for day, measures in table.measures.items()
        ]
    )


def judgements(table: ArrivalTable, suite: Suite) -> Judgements:
    """Each load against its past, by rule about drift and load date.

    Loads that are judged together are each other's past. A day that is known to be unusual is not judged.
    """
    known: History = {**table.history, **table.measures}
    past = {day: measures for day, measures in known.items() if day not in table.unusual_dates}
    return {
        rule.name: {
            day: [judge(drift, past, day, measures) for drift in rule.drifts if day in past]
            for day, measures in table.measures.items()
        }
        for rule in suite.rules
        if rule.drifts
    }


def _widest(judged: Sequence[Judged]) -> float | None:
    return max((one.deviation for one in judged if one.deviation is not None), default=None)


# One row is forgiven: a dump cut off in its last line is still worth having.
_SETUP = """
    create table files (path varchar, load_date date, row_count bigint, unreadable bigint);
    create macro forgiven(number) as if(number > 1, number, 0);
    create macro share(part, whole) as coalesce(part / nullif(whole, 0), 0);
"""
_COUNTS = """
    select
        load_date,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(unreadable) as bigint) as unreadable_count,
        share(sum(forgiven(unreadable)), sum(row_count + unreadable)) as unreadable_share
    from files group by load_date order by load_date
"""
# From the footers, since undeclared columns are kept in raw.
_COLUMN_COUNTS = f"""
    select load_date, cast(max(columns) as double) as "{COLUMN_COUNT}"
    from files
    inner join (
        select file_name as path, count(*) as columns
        from parquet_schema($paths) where num_children is null group by all
    ) using (path)
    group by load_date
"""
_READ = f"read_parquet($paths, filename = '{_PATH}', union_by_name = true, hive_partitioning = false)"
# Every row with its load date, and a row of NULLs for a load date without any.
_LOADED = f"""(
    select rows.*, "{_DAY}"
    from (select path, load_date as "{_DAY}" from files) as loads
    left join {_READ} as rows on loads.path = rows."{_PATH}"
)"""


def _by_day(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None = None
) -> ByDay:
    """Rows of a query by their first column, a load date."""
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description or ()]
    return {day: dict(zip(names[1:], values, strict=True)) for day, *values in found.fetchall()}


def _require_whole(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> None:
    """Raise ProfileError unless each Parquet holds the rows of the manifest."""
    query = f"""
        select load_date, path, coalesce(found, 0), row_count
        from files
        left join (select "{_PATH}" as path, count(*) as found from {_READ} group by all) using (path)
        where path is not null and coalesce(found, 0) <> row_count
        order by all
    """
    if wrong := connection.execute(query, {"paths": _paths(table.files)}).fetchone():
        day, path, found, expected = wrong
        raise ProfileError(
            f"{table.name}, load {day}: {path} holds {found} rows, "
            f"the load manifest says {expected}. Read the dump again."
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


def _of_columns(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> ByDay:
    """Shares, medians and days behind of each load date."""
    day = _quoted(_DAY)
    selected = ", ".join([day, *(f"{sql} as {_quoted(name)}" for name, sql in _measured(table))])
    parameters: dict[str, object] = {
        f"words_{position}": [str(word) for word in words]
        for position, words in enumerate(table.vocabulary.values())
    }
    if paths := _paths(table.files):
        query = f"select {selected} from {_LOADED} group by {day}"
        return _by_day(connection, query, {"paths": paths, **parameters})
    present = [column for group in table.not_null for column in group]
    columns = [*present, *table.columns, *table.vocabulary, *table.amounts, *table.key]
    columns += [table.event_time.column] if table.event_time else []
    nothing = ", ".join(f"null::varchar as {_quoted(name)}" for name in dict.fromkeys([_PATH, *columns]))
    query = f"select {selected} from (select {nothing}, load_date as {day} from files) group by {day}"
    return _by_day(connection, query, parameters)


def _measured(table: ArrivalTable) -> Iterator[tuple[str, str]]:
    """Name and SQL of what is measured of a load date, but for repeated keys."""
    rows = f'count("{_PATH}")'
    for group in dict.fromkeys([*map(tuple, table.not_null), *((column,) for column in table.columns)]):
        filled = f"coalesce({', '.join(map(_text, group))})" if len(group) > 1 else _quoted(group[0])
        yield NULL_SHARE.format(either_of(group)), f"share({rows} - count({filled}), {rows})"
    for position, column in enumerate(table.vocabulary):
        unknown = f"count(*) filter (not list_contains($words_{position}, {_text(column)}))"
        yield UNKNOWN_SHARE.format(column), f"share({unknown}, count({_quoted(column)}))"
    for column in table.columns:
        yield NUMBER_SHARE.format(column), f"count({_number(column)}) / nullif(count({_quoted(column)}), 0)"
    for column, (low, high) in table.amounts.items():
        number, filled = _number(column), f"count({_quoted(column)})"
        outside = f"count(*) filter ({number} not between {low!r} and {high!r})"
        yield NOT_NUMBER_SHARE.format(column), f"share(forgiven({filled} - count({number})), {filled})"
        yield OUTSIDE_SHARE.format(column), f"share(forgiven({outside}), count({number}))"
        yield MEDIAN.format(column), f"approx_quantile({number}, 0.5)"
    if table.event_time:
        time = _time(_text(table.event_time.column), table.event_time.format)
        last = f'"{_DAY}" + interval 2 day'
        yield FUTURE_SHARE, f"share(forgiven(count(*) filter ({time} >= {last})), {rows})"
        if table.covers_days_before is not None:
            newest = f"cast(max({time}) filter ({time} < {last}) as date)"
            yield DAYS_BEHIND, f'"{_DAY}" - {table.covers_days_before} - {newest}'
    if table.key:
        yield DUPLICATE_SHARE, "0.0::double"
    if table.columns:
        damaged = " or ".join(map(_is_damaged, map(_text, table.columns)))
        yield DAMAGED_SHARE, f"share(forgiven(count(*) filter ({damaged})), {rows})"


def _repeated(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> Iterator[ByDay]:
    """The share of rows that repeat the key of another one of their load date, where there are any.

    A few load dates at a time: the keys of a year take gigabytes.
    """
    if not table.key:
        return
    key = ", ".join(map(_quoted, table.key))
    query = f"""
        select load_date, share(forgiven(any_value(repeated)), sum(row_count)) as "{DUPLICATE_SHARE}"
        from files
        inner join (
            select load_date, sum(times - 1) as repeated
            from (
                select "{_DAY}" as load_date, {key}, count(*) as times
                from {_LOADED} where "{_PATH}" is not null group by all having times > 1
            )
            group by all
        ) using (load_date)
        group by load_date
    """
    for paths in _batches(table):
        yield _by_day(connection, query, {"paths": paths})


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
    if written == "unix_milliseconds":
        return f"make_timestamp(try_cast({text} as bigint) * 1000)"
    if written == "iso":
        return f"try_cast(regexp_replace({text}, ' UTC$', '') as timestamp)"
    pattern = written.replace("'", "''")
    return f"try_strptime({text}, '{pattern}')"
