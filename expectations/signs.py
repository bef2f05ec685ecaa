"""Signs of a mapping that takes something for what it is not, in the columns that name people and documents.

No column of an export says that `guest` is nobody or that order numbers repeat; how often values stand in it
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from expectations import NO_BAR
from expectations.personal import mask_row
from expectations.profile import DAY, LOADED, SETUP, batches, quoted
from expectations.results import ExpectationResult, Scalar
from expectations.suites.arrival import DIGITS_KEPT, IDS_OF_PEOPLE, ONE_PERSON, TIMES_ALIKE, ArrivalTable

if TYPE_CHECKING:
    import duckdb

    # Examples by rule and load date.
    Signs = dict[str, dict[date, list[dict[str, Scalar]]]]

# One id in so large a part of so many rows, and so much more often than any other, is no person.
ABSURD_SHARE, ABSURD_ROWS, TIMES_THE_NEXT = 0.2, 100, 10
# Words that some shops write for nobody, and others give to somebody.
STAND_INS = (
    *("guest", "guests", "anonymous", "anon", "unknown", "(not set)", "not set", "not_set", "visitor"),
    *("no", "no_id", "test", "default", "dummy", "?", "0", "-1", "gast", "invité", "invitado", "convidado"),
    *("游客", "匿名", "匿名用户", "未登录", "无"),
)
STAND_IN_ROWS, STAND_IN_SHARE = 3, 0.01
OTHER_TIMES, OTHER_TIMES_SHARE = 2, 0.01
EXAMPLES_OF_A_LOAD = 3
PERSONS = ("member", "visitor")
# What a word for nobody looks like: letters, or one digit again and again.
_WORD = r"[^0-9@]{1,20}|-?(0+|1+|9+)"
_SCIENTIFIC = r"[0-9](\.[0-9]+)?[eE]\+[0-9]+"
_ZONED = r"(?i):[0-9.]+ *(z|utc|gmt|[+-][0-9:]+)$"


def signs(table: ArrivalTable) -> Signs:
    """What stands out in each load date. Raises duckdb.Error where Parquet or a column cannot be read."""
    import duckdb

    found: Signs = {rule: {} for rule in (IDS_OF_PEOPLE, DIGITS_KEPT, ONE_PERSON, TIMES_ALIKE)}
    people = [column for kind in PERSONS for column in table.identifiers.get(kind, ())]
    documents = [
        column for kind, columns in table.identifiers.items() if kind not in PERSONS for column in columns
    ]
    with duckdb.connect() as connection:
        connection.execute(NO_BAR)
        connection.execute(SETUP)
        files = [(str(file.path), file.load_date) for file in table.files if file.path]
        if files:
            connection.executemany("insert into files (path, load_date) values (?, ?)", files)
        for batch in batches(table):
            if people or documents:
                _add(found, DIGITS_KEPT, connection, _scientific([*people, *documents]), batch)
            for kind in PERSONS:
                for column in table.identifiers.get(kind, ()):
                    query = _stand_ins(column, kind, table.placeholders)
                    _add(found, IDS_OF_PEOPLE, connection, query, batch)
            if table.event_time and table.event_time.format == "iso":
                _add(found, TIMES_ALIKE, connection, _times(table.event_time.column), batch)
            members = table.identifiers.get("member") or people
            for column in dict.fromkeys(documents if members and not table.documents_repeat else ()):
                _add(found, ONE_PERSON, connection, _shared(column, members[0]), batch)
    return found


def with_signs(
    result: ExpectationResult, loads: Mapping[date, Sequence[dict[str, Scalar]]]
) -> ExpectationResult:
    """A result about a sign, with its examples."""
    from expectations.validation import MAX_EXAMPLES

    examples = [example for day in result.load_dates for example in loads.get(day, ())]
    told = {day: "; ".join(map(_told, loads[day])) for day in result.load_dates if loads.get(day)}
    return replace(result, examples=tuple(examples[:MAX_EXAMPLES]), found=told) if examples else result


def _told(example: Mapping[str, Scalar]) -> str:
    """An example in words, without what says who it is about."""
    shown = mask_row({name: value for name, value in example.items() if name != "load_date"})
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _add(
    found: Signs, rule: str, connection: duckdb.DuckDBPyConnection, query: str, batch: Sequence[str]
) -> None:
    rows = connection.execute(query, {"paths": batch})
    names = [column[0] for column in rows.description or ()]
    for day, *values in rows.fetchall():
        of_day = found[rule].setdefault(day, [])
        if len(of_day) < EXAMPLES_OF_A_LOAD:
            of_day.append({"load_date": day.isoformat(), **dict(zip(names[1:], values, strict=True))})


def _text(column: str) -> str:
    return f"trim(cast({quoted(column)} as varchar))"


def _name(column: str) -> str:
    return "'" + column.replace("'", "''") + "'"


def _listed(words: Sequence[str]) -> str:
    return ", ".join("'" + word.lower().replace("'", "''") + "'" for word in words)


def _stand_ins(column: str, kind: str, placeholders: Sequence[str]) -> str:
    # A robot may be a tenth of a shop's visits.
    is_odd = "true" if kind == "member" else f"regexp_full_match(value, '{_WORD}')"
    return f"""
        with counted as (
            select "{DAY}" as load_date, {_text(column)} as value, count(*) as rows
            from {LOADED}
            where {_text(column)} <> '' and lower({_text(column)}) not in ({_listed(["", *placeholders])})
            group by all
        ),

        loads as (
            select load_date, sum(rows) as total, max(rows, 2) as most from counted group by all
        )

        select
            load_date, {_name(column)} as "column",
            case when regexp_full_match(value, '{_WORD}') then value else '***' end as value,
            rows, round(rows / total, 3) as share
        from counted
        inner join loads using (load_date)
        where
            lower(value) in ({_listed(STAND_INS)})
            and rows >= greatest({STAND_IN_ROWS}, {STAND_IN_SHARE} * total)
            or {is_odd} and total >= {ABSURD_ROWS} and rows = most[1]
            and rows >= greatest({ABSURD_SHARE} * total, {TIMES_THE_NEXT} * coalesce(most[2], 0))
        order by load_date, rows desc, value
    """


def _scientific(columns: Sequence[str]) -> str:
    ids = ", ".join(f"{{'column': {_name(column)}, 'value': {_text(column)}}}" for column in columns)
    may_be = " or ".join(f"contains({_text(column)}, '+')" for column in columns)
    return f"""
        select load_date, id.column, id.value, count(*) as rows
        from (select "{DAY}" as load_date, unnest([{ids}]) as id from {LOADED} where {may_be}) as ids
        where regexp_full_match(id.value, '{_SCIENTIFIC}')
        group by all
        order by load_date, rows desc, id.value
    """


def _shared(document: str, person: str) -> str:
    return f"""
        select
            "{DAY}" as load_date, {_name(document)} as "column", {_text(document)} as value,
            len(list_distinct(list({_text(person)}))) as persons, count(*) as rows
        from {LOADED}
        where {_text(document)} <> '' and {_text(person)} <> ''
        group by all
        having min({_text(person)}) <> max({_text(person)})
        order by load_date, persons desc, value
    """


def _times(column: str) -> str:
    return f"""
        select
            "{DAY}" as load_date, {_name(column)} as "column",
            min({_text(column)}) filter (regexp_matches({_text(column)}, '{_ZONED}')) as value,
            count(*) filter (regexp_matches({_text(column)}, '{_ZONED}')) as naming_a_zone,
            count({_text(column)}) - naming_a_zone as naming_none
        from {LOADED}
        group by all
        having least(naming_a_zone, naming_none)
            >= greatest({OTHER_TIMES}, {OTHER_TIMES_SHARE} * (naming_a_zone + naming_none))
    """
