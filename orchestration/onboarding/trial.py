"""`aipl try-source`: pull and stage one source in a throw-away home, and tell what came of it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from expectations.baseline import History
from expectations.runner import run_arrival
from orchestration.arrival.configured import (
    NOTHING,
    configured_schedule,
    configured_sources,
    dbt_sources,
)
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import parsed_path
from orchestration.arrival.pull import PullReport, pull, survey
from orchestration.arrival.receive import arrival_tables
from orchestration.build.prepared import StagedEntity, staging_sql
from orchestration.build.staged_alone import (
    ENTITY,
    RawFile,
    StagingError,
    entities_in,
    staged_alone,
    told_with_place,
)
from orchestration.core.database import sql_text
from orchestration.core.errors import AiplError, InputError
from orchestration.core.printable import counted, shortened
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

# What is read and staged in seconds.
TRIED_BYTES = 64 << 20
SHOWN_ROWS, SHOWN_CHARACTERS, SHOWN_EXAMPLES = 3, 300, 2
# Its own columns first, then where a row comes from.
ORIGIN = (
    "reject_reason",
    "reject_column",
    "cleaned",
    "raw_row",
    "_document",
    "_item",
    "_load_date",
    "_file",
    "_row",
)


def try_source(settings: Settings, source: Source, dumps: str | None, *, all_: bool = False) -> Iterator[str]:
    """Lines about a source, staged alone from its dumps as they are; nothing of it stays in the home.

    Of much, the newest load dates are tried, unless `all_`.

    Raises:
        InputError: it has no staging model, or no dump.
        AiplError: a staging model does not run, with the row over which it stops.
    """
    with TemporaryDirectory(prefix="aipl-try-") as folder:
        trial = replace(settings, home=Path(folder).resolve())
        today = configured_schedule(settings).today()
        load_dates, said = (None, "") if all_ else _newest(trial, source, dumps, today)
        if said:
            yield said
        report = pull(trial, source, load_dates, dumps, today)
        yield from _arrived(report)
        sql = staging_sql(
            settings, dbt_sources(settings, configured_sources(settings) | {source.source_id: source})
        )
        if not sql.entities.get(source.source_id):
            raise InputError(
                f"{source.source_id} has no staging model in {settings.dbt_project / 'models/staging'}."
                " Write stg_<source>__<entity>.sql, or let `aipl new-source` write it."
            )
        read = {table for relation in sql.relations for table in relation.tables}
        for table in source.tables:
            if f"{source.source_id}.{table}" not in read:
                yield f"{table}: feeds nothing; no staging model reads it."
        files = [
            RawFile(one.table_name, one.load_date, one.file, parsed_path(trial.arrivals, one))
            for one in report.arrived
        ]
        try:
            with staged_alone(settings, source, sql, files) as connection:
                for name in entities_in(connection):
                    connection.execute(f"create table {name} as from {ENTITY.format(name)}")
                    yield ""
                    yield from _about(connection, name, sql.entities[source.source_id][name])
        except (StagingError, duckdb.Error) as error:
            told, *_ = told_with_place(settings, source, sql, files, error)
            raise AiplError(f"The staging of {source.source_id} does not run: {told}") from error
        # Last, because the gate takes longer than all else.
        yield ""
        yield from _judged(trial, source, report)


def _newest(
    settings: Settings, source: Source, dumps: str | None, today: date
) -> tuple[set[date] | None, str]:
    """The newest load dates that are read in seconds, and what is told of the others; `None` for all."""
    sizes: Counter[date] = Counter()
    for found in survey(settings, source, NOTHING, dumps, today)[0]:
        sizes[found.load_date] += (found.dump and found.dump.hint.size) or 0
    days = sorted(sizes, reverse=True)
    sums = list(accumulate(sizes[day] for day in days))
    kept = [day for day, size in zip(days, sums, strict=True) if size <= TRIED_BYTES or day == days[0]]
    if len(kept) == len(days):
        return None, ""
    return set(kept), f"The newest {len(kept)} of {len(days)} load dates are tried; `--all` tries all."


def _arrived(report: PullReport) -> Iterator[str]:
    rows = sum(version.row_count or 0 for version in report.arrived)
    unreadable = sum(version.unreadable_count for version in report.arrived)
    days = report.load_dates
    span = f", load dates {days[0]} to {days[-1]}" if days else ""
    yield f"{counted(len(report.arrived), 'file')}, {counted(rows, 'row')}, {unreadable:,} unreadable{span}"
    yield from report.warnings
    for version in report.refused:
        yield f"not read: {version.reason}"


def _judged(settings: Settings, source: Source, report: PullReport) -> Iterator[str]:
    """What the arrival gate would refuse."""
    with LoadManifest(settings.manifest) as manifest:
        deliveries = manifest.deliveries(source.source_id)
    no_past: dict[str, History] = {name: {} for name in source.tables}
    tables = arrival_tables(settings, source, deliveries, no_past, report.load_dates)
    # Great Expectations logs what it does to its own folders.
    logging.disable(logging.INFO)
    failures = run_arrival(tables).failures if tables else ()
    logging.disable(logging.NOTSET)
    for failure in failures:
        found = f"{failure.table}: {failure.description}: {failure.observed}"
        yield f"The arrival gate would refuse {_days(failure.load_dates)}: {found}"
    if not failures:
        yield "The arrival gate would refuse nothing."


def _days(days: Sequence[date]) -> str:
    shown = ", ".join(str(day) for day in days[:3])
    return shown if len(days) <= 3 else f"{shown} and {len(days) - 3} more days"


def _about(connection: duckdb.DuckDBPyConnection, name: str, entity: StagedEntity) -> Iterator[str]:
    # Item 0 says that a row holds none.
    relation = f"(from {name} where _item is distinct from 0)"
    rows, rejected = _one(connection, f"select count(*), count(reject_reason) from {relation}")
    yield f"{name}: {counted(rows, 'row')}, {rejected:,} rejected"
    kept = f"(select * from {relation} where reject_reason is null)"
    yield from _rejects(connection, relation)
    if cleaned := _all(
        connection, f"select cleaned, count(*) from {kept} where cleaned <> '' group by all order by all"
    ):
        yield "  cleaned: " + ", ".join(f"{what} ({counted(times, 'row')})" for what, times in cleaned)
    if "member_id" in entity.columns and "other_member_id" not in entity.columns:
        yield from _persons(connection, entity, kept)
    if entity.needed:
        # The time comes before its day.
        day = entity.needed[-1]
        first, last = _one(connection, f"select min({day}), max({day}) from {kept}")
        yield f"  first day {first}, last day {last}"
    if name == "events":
        counts = _all(connection, f"select touch_kind, count(*) from {kept} group by all order by 2 desc, 1")
        yield f"  {', '.join(f'{kind} {times:,}' for kind, times in counts)}"
    if "currency" in entity.columns:
        yield from _money(connection, name, entity, kept)
    yield from _before_and_after(connection, relation)


def _money(
    connection: duckdb.DuckDBPyConnection, name: str, entity: StagedEntity, kept: str
) -> Iterator[str]:
    amount = next(column for column, role in entity.columns.items() if role in ("money", "refund"))
    paid = "paid_at is not null and cancelled_at is null" if "paid_at" in entity.columns else "true"
    # The latest version of each, as the canonical entities have it.
    order = [f"{column} desc nulls last" for column in entity.version]
    order += ["_load_date desc", "_file desc", "_row desc"]
    query = f"""
        select
            currency, count(*), count({amount}), sum({amount}),
            count(*) filter ({paid}), sum({amount}) filter ({paid})
        from (
            from {kept}
            qualify row_number() over (partition by {", ".join(entity.key)} order by {", ".join(order)}) = 1
        )
        group by currency order by currency
    """
    noun = name.removesuffix("s").replace("_", " ")
    for currency, count, known, total, paid_count, paid_total in _all(connection, query):
        line = f"  {currency}: {total} in {counted(count, noun)}"
        line += f", of which paid {paid_total or 0} in {paid_count:,}" if "paid_at" in entity.columns else ""
        yield line + (f"; {count - known:,} without an amount" if known < count else "")


def _rejects(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[str]:
    rejected = f"from {relation} where reject_reason is not null"
    reasons = f"select reject_reason, count(*) {rejected} group by all order by 2 desc, 1"
    for reason, times in _all(connection, reasons):
        examples = _all(
            connection,
            f"select _file, _row, to_json(raw_row) from {relation} where reject_reason = {sql_text(reason)}"
            f" order by _file, _row limit {SHOWN_EXAMPLES}",
        )
        yield f"  rejected {times:,}: {reason}"
        for file, row, text in examples:
            yield f"    {file} row {row}: {_shown(text)}"


def _persons(connection: duckdb.DuckDBPyConnection, entity: StagedEntity, kept: str) -> Iterator[str]:
    rows, without = _one(
        connection, f"select count(*), count(*) filter (coalesce(member_id, visitor_id) is null) from {kept}"
    )
    if rows:
        yield f"  without a person: {without:,} ({without / rows:.0%})"
    key = ", ".join(entity.key)
    shared = _all(
        connection,
        f"select {key}, count(distinct member_id) as persons from {kept}"
        f" group by {key} having count(distinct member_id) > 1 order by persons desc, {key}",
    )
    if shared:
        example, persons = shared[0]
        yield f"  {key} with several members: {len(shared):,}, such as {example} ({persons:,})"


def _before_and_after(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[str]:
    found = connection.sql(
        f"select * from {relation} order by reject_reason nulls first, _file, _row limit {SHOWN_ROWS}"
    )
    names = found.columns
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        yield f"  {row['_file']} row {row['_row']}: {_shown(_values(row['raw_row']))}"
        yield f"    becomes {_shown(_values(row))}"


def _values(row: Mapping[str, Any]) -> str:
    """The values of a row that are not NULL, as JSON, without where it comes from."""
    told = {name: value for name, value in row.items() if name not in ORIGIN and value is not None}
    return json.dumps(told, ensure_ascii=False, default=str)


def _shown(text: str) -> str:
    return shortened(text, SHOWN_CHARACTERS)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.sql(query).fetchall()[0]


def _all(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.sql(query).fetchall()
