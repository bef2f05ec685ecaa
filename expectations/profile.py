"""One small row of measures for each load date of an arriving table, from one pass over its Parquet."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
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
    SIGNS,
    UNKNOWN_SHARE,
    UNREADABLE_SHARE,
    ArrivalFile,
    ArrivalTable,
    EventTime,
    either_of,
)
from expectations.suites.rule import Suite

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    ByDay = dict[date, dict[str, float | None]]
    Signs = Mapping[str, Mapping[date, Sequence[object]]]
    Judgements = Mapping[str, Mapping[date, Sequence[Judged]]]

BATCH_ROWS = 1_000_000
_PATH = "path of the parquet file"
DAY = "load date of the file"
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
        connection.execute(SETUP)
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


def arrival_profile(table: ArrivalTable, judged: Judgements, signs: Signs) -> pd.DataFrame:
    """The measures as columns, with load_date (ISO text), the widest deviation of each rule about drift, and
    the number of signs by rule.

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
                **{SIGNS.format(rule): len(found.get(day, ())) for rule, found in signs.items()},
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
SETUP = """
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
LOADED = f"""(
    select rows.*, "{DAY}"
    from (select path, load_date as "{DAY}" from files) as loads
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


def batches(table: ArrivalTable) -> Iterator[list[str]]:
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
    day = quoted(DAY)
    selected = ", ".join([day, *(f"{sql} as {quoted(name)}" for name, sql in _measured(table))])
    parameters = _words(table)
    if paths := _paths(table.files):
        query = f"select {selected} from {LOADED} group by {day}"
        return _by_day(connection, query, {"paths": paths, **parameters})
    present = [column for group in table.not_null for column in group]
    columns = [*present, *table.columns, *table.vocabulary, *table.amounts, *table.key]
    columns += [table.event_time.column] if table.event_time else []
    nothing = ", ".join(f"null::varchar as {quoted(name)}" for name in dict.fromkeys([_PATH, *columns]))
    query = f"select {selected} from (select {nothing}, load_date as {day} from files) group by {day}"
    return _by_day(connection, query, parameters)


def _measured(table: ArrivalTable) -> Iterator[tuple[str, str]]:
    """Name and SQL of what is measured of a load date, but for repeated keys."""
    rows = f'count("{_PATH}")'
    number = partial(_number, decimal_mark=table.decimal_mark)
    for group in dict.fromkeys([*map(tuple, table.not_null), *((column,) for column in table.columns)]):
        filled = f"coalesce({', '.join(map(_text, group))})" if len(group) > 1 else quoted(group[0])
        yield NULL_SHARE.format(either_of(group)), f"share({rows} - count({filled}), {rows})"
    for position, column in enumerate(table.vocabulary):
        unknown = f"count(*) filter ({_is_unknown(position, column)})"
        yield UNKNOWN_SHARE.format(column), f"share({unknown}, count({quoted(column)}))"
    for column in table.columns:
        yield NUMBER_SHARE.format(column), f"count({number(column)}) / nullif(count({quoted(column)}), 0)"
    for column, bounds in table.amounts.items():
        amount, filled = number(column), f"count({quoted(column)})"
        outside = f"count(*) filter ({_is_outside(amount, bounds)})"
        yield NOT_NUMBER_SHARE.format(column), f"share(forgiven({filled} - count({amount})), {filled})"
        yield OUTSIDE_SHARE.format(column), f"share(forgiven({outside}), count({amount}))"
        yield MEDIAN.format(column), f"approx_quantile({amount}, 0.5)"
    if table.event_time:
        time = _time(_text(table.event_time.column), table.event_time.format)
        yield FUTURE_SHARE, f"share(forgiven(count(*) filter ({_is_future(table.event_time)})), {rows})"
        if table.covers_days_before is not None:
            newest = f"cast(max({time}) filter (not ({_is_future(table.event_time)})) as date)"
            yield DAYS_BEHIND, f'"{DAY}" - {table.covers_days_before} - {newest}'
    if table.key:
        yield DUPLICATE_SHARE, "0.0::double"
    if table.columns:
        damaged = " or ".join(map(_is_damaged, map(_text, table.columns)))
        yield DAMAGED_SHARE, f"share(forgiven(count(*) filter ({damaged})), {rows})"


def objections(
    table: ArrivalTable, measure: str, load_dates: Collection[date], most: int
) -> dict[date, tuple[int, dict[str, int]]]:
    """By load date how many rows a share is of, and their commonest values with their rows, at most so many.

    Of unreadable rows their reasons. A row without a value, or one that repeats another, shows nothing.
    """
    import duckdb

    files = [file for file in table.files if file.load_date in load_dates]
    value, condition = _objected(table).get(measure, ("reason", "true"))
    if measure == UNREADABLE_SHARE:
        paths = [
            (str(file.rejects), file.load_date) for file in files if file.rejects and file.rejects.exists()
        ]
    elif measure in _objected(table):
        paths = [(str(file.path), file.load_date) for file in files if file.path]
    else:
        paths = []
    if not paths:
        return {}
    found: dict[date, tuple[int, dict[str, int]]] = {}
    with duckdb.connect() as connection:
        connection.execute(NO_BAR)
        connection.execute("create table files (path varchar, load_date date)")
        connection.executemany("insert into files values (?, ?)", paths)
        rows = connection.execute(
            f"""
            select "{DAY}", {value}, count(*) as times, sum(count(*)) over (partition by "{DAY}") as rows
            from {LOADED} where {condition}
            group by 1, 2
            qualify row_number() over (partition by "{DAY}" order by count(*) desc, {value}) <= {most}
            order by 1, 3 desc, 2
            """,
            {"paths": [glob.escape(path) for path, _ in paths], **_words(table, condition)},
        ).fetchall()
    for day, objected, times, of_day in rows:
        found.setdefault(day, (int(of_day), {}))[1][objected] = times
    return found


def _objected(table: ArrivalTable) -> dict[str, tuple[str, str]]:
    """SQL of the value and the condition of what each measure is the share of."""
    found = {
        UNKNOWN_SHARE.format(column): (_text(column), _is_unknown(position, column))
        for position, column in enumerate(table.vocabulary)
    }
    for column, bounds in table.amounts.items():
        number = _number(column, table.decimal_mark)
        no_number = f"{quoted(column)} is not null and {number} is null"
        found[NOT_NUMBER_SHARE.format(column)] = _text(column), no_number
        found[OUTSIDE_SHARE.format(column)] = _text(column), _is_outside(number, bounds)
    if table.event_time:
        found[FUTURE_SHARE] = _text(table.event_time.column), _is_future(table.event_time)
    return found


def _words(table: ArrivalTable, query: str = "") -> dict[str, object]:
    """Parameters of the declared words, those that a query names or all."""
    named = {
        f"words_{number}": list(map(str, words)) for number, words in enumerate(table.vocabulary.values())
    }
    return {name: words for name, words in named.items() if not query or f"${name}," in query}


def _repeated(table: ArrivalTable, connection: duckdb.DuckDBPyConnection) -> Iterator[ByDay]:
    """The share of rows that repeat the key of another one of their load date, where there are any.

    A few load dates at a time: the keys of a year take gigabytes.
    """
    if not table.key:
        return
    key = ", ".join(map(quoted, table.key))
    query = f"""
        select load_date, share(forgiven(any_value(repeated)), sum(row_count)) as "{DUPLICATE_SHARE}"
        from files
        inner join (
            select load_date, sum(times - 1) as repeated
            from (
                select "{DAY}" as load_date, {key}, count(*) as times
                from {LOADED} where "{_PATH}" is not null group by all having times > 1
            )
            group by all
        ) using (load_date)
        group by load_date
    """
    for paths in batches(table):
        yield _by_day(connection, query, {"paths": paths})


def quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(column: str) -> str:
    return f"cast({quoted(column)} as varchar)"


def _number(column: str, decimal_mark: str | None = None) -> str:
    # NaN and infinity are words, not numbers. A cast that fails takes long: what begins with a letter, and
    # what holds a colon, as times do, is not tried.
    text = _plain(quoted(column), decimal_mark) if decimal_mark else _text(column)
    number = f"try_cast({text} as double)"
    return f"case when {text} < ':' and not contains({text}, ':') and isfinite({number}) then {number} end"


def _plain(column: str, decimal_mark: str) -> str:
    """A number with thousands apart as a cast reads it, by the rule of dbt's macro `plain_number`."""
    text = f"trim(cast({column} as varchar))"
    apart = rf"[ \x{{a0}}\x{{202f}}\x{{2019}}''{'.' if decimal_mark == ',' else ','}]"
    written = f"[+-]?([0-9]+|[0-9]{{1,3}}({apart}[0-9]{{3}})+)([{decimal_mark}][0-9]*)?"
    return (
        f"case when typeof({column}) <> 'VARCHAR' then {text}"
        f" when regexp_full_match({text}, '{written}')"
        f" then replace(regexp_replace({text}, '{apart}', '', 'g'), ',', '.') end"
    )


def _is_unknown(position: int, column: str) -> str:
    return f"not list_contains($words_{position}, {_text(column)})"


def _is_outside(number: str, bounds: tuple[float, float]) -> str:
    return f"{number} not between {bounds[0]!r} and {bounds[1]!r}"


def _is_future(event_time: EventTime) -> str:
    return f'{_time(_text(event_time.column), event_time.format)} >= "{DAY}" + interval 2 day'


def _is_damaged(text: str) -> str:
    # Text of a wrong encoding is never plain ASCII; the rest is not searched. `and` would search it.
    is_ascii = f"strlen({text}) = length({text})"
    return f"case when {is_ascii} then false else regexp_matches({text}, '{_DAMAGE}') end"


def _time(text: str, written: str) -> str:
    if written in ("unix_seconds", "unix_milliseconds"):
        number = f"try_cast({text} as bigint)"
        seconds = number if written == "unix_seconds" else f"{number} // 1000"
        # Of the years 1 to 9999: other numbers overflow.
        is_time = f"{seconds} between -62135596800 and 253402300799"
        per_second = 1_000_000 if written == "unix_seconds" else 1_000
        return f"case when {is_time} then make_timestamp({number} * {per_second}) end"
    if written == "iso":
        return f"try_cast(regexp_replace({text}, ' UTC$', '') as timestamp)"
    pattern = written.replace("'", "''")
    return f"try_strptime({text}, '{pattern}')"
