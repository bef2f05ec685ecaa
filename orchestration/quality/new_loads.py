"""New loads are staged alone before they are accepted: what cannot be staged costs its own load."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.results import ExpectationResult, Scalar, Severity
from expectations.suites.rule import RUNBOOK
from orchestration.arrival.file_versions import Deliveries, FileVersion, State
from orchestration.arrival.parsed import find_parsed
from orchestration.arrival.trials import TRIAL, keep_trial
from orchestration.build.prepared import StagingSql, staging_sql
from orchestration.build.staged_alone import (
    Counted,
    RawFile,
    Repeated,
    StagedRows,
    StagingError,
    count_staged,
    told_with_place,
)
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

CAN_BE_STAGED, FEW_REJECTED, ITEMS_NUMBERED = "can_be_staged", "few_rows_rejected", "items_are_numbered"
SEVERITY: Mapping[str, Severity] = {
    CAN_BE_STAGED: "critical",
    FEW_REJECTED: "critical",
    ITEMS_NUMBERED: "warning",
}
SECTIONS = {
    CAN_BE_STAGED: "a-load-that-staging-refuses",
    FEW_REJECTED: "a-load-that-staging-refuses",
    ITEMS_NUMBERED: "rows-without-a-number",
}
# Columns of an example that are shown by their names alone.
SHOWN_COLUMN = re.compile(
    r"^(?!.*birth).*(time|date|_at$|_on$|amount|price|quantity|currency|status|kind|type|event$)", re.I
)
SHOWN_COLUMNS = 6
SHOWN_ROWS = 2
# In fewer rows than these, some bad ones are no sign of a misread load, unless they have a reason in common.
FEW_ROWS = 20


@dataclass(frozen=True)
class Problem:
    """Why a load is refused: the rule, the raw table, what was found, and examples."""

    rule: str
    table: str
    found: str
    examples: Sequence[Mapping[str, Scalar]] = ()


def judge_staging(
    settings: Settings, dbt_sources: str, source: Source, deliveries: Deliveries, days: Sequence[date]
) -> list[ExpectationResult]:
    """Stage these loads of a source alone; a result per raw table and rule. What is rejected of each file is
    kept (`arrival.trials`), whatever becomes of its load.

    A static source is staged with what is in effect, since its models may join their tables.

    Raises AiplError when the dbt project does not compile.
    """
    sql = staging_sql(settings, dbt_sources)
    if source.source_id not in sql.entities:
        return []
    versions = {day: _readable(deliveries, day) for day in days}
    loads = {day: _files(settings, found) for day, found in versions.items()}
    beside: list[RawFile] = []
    if source.feed == "static":
        others = deliveries.effective_of(source.tables)
        beside = _files(settings, [version for version in others if version.load_date not in loads])

    def count(of: Iterable[date]) -> Counted:
        return count_staged(settings, source, sql, [*beside, *(file for day in of for file in loads[day])])

    staged, errors = _separate(count, [day for day in days if loads[day]])
    for version in chain.from_iterable(versions.values()):
        of_file = [rows for rows in staged.rows if rows.file == version.file]
        keep_trial(settings, version, _rejects(of_file))
    problems: dict[date, list[Problem]] = {
        day: [_of_error(settings, source, sql, loads[day], error)] for day, error in errors.items()
    }
    for rejected_or_repeated in (_rejected(source, loads, staged.rows), _repeated(loads, staged.repeated)):
        for day, found in rejected_or_repeated.items():
            problems.setdefault(day, []).extend(found)
    tables = sorted({file.table for files in loads.values() for file in files})
    return [_result(source, rule, table, problems) for table in tables for rule in SEVERITY]


def _readable(deliveries: Deliveries, day: date) -> list[FileVersion]:
    latest = [v for v in deliveries.latest.values() if v.state is not State.RETIRED]
    return [version for version in latest if version.load_date == day and version.is_readable]


def _files(settings: Settings, versions: Iterable[FileVersion]) -> list[RawFile]:
    paths = ((version, find_parsed(settings, version)) for version in versions)
    return [RawFile(v.table_name, v.load_date, v.file, path) for v, path in paths if path]


def _rejects(staged: Iterable[StagedRows]) -> pa.Table:
    """Rejected rows as `arrival.trials` keeps them."""
    parts = [
        pa.table(
            [
                *(
                    pa.array([told] * len(rows.rows), pa.string())
                    for told in (rows.entity, rows.column, rows.reason)
                ),
                rows.rows,
            ],
            schema=TRIAL,
        )
        for rows in staged
        if rows.reason is not None
    ]
    return pa.concat_tables([TRIAL.empty_table(), *parts])


def _separate(
    count: Callable[[Iterable[date]], Counted], days: Sequence[date]
) -> tuple[Counted, dict[date, StagingError]]:
    """Staged rows of the loads that can be staged, and the errors of the others, found by halving."""
    errors: dict[date, StagingError] = {}

    def separate(part: Sequence[date]) -> list[date]:
        try:
            count(part)
        except StagingError as error:
            if len(part) == 1:
                errors[part[0]] = error
                return []
            middle = len(part) // 2
            return [*separate(part[:middle]), *separate(part[middle:])]
        return list(part)

    if not days:
        return Counted(), {}
    try:
        return count(days), {}
    except StagingError:
        fine = separate(days)
    try:
        return (count(fine) if fine else Counted()), errors
    except StagingError as error:
        # Each can be staged, but not all together.
        return Counted(), {**errors, **dict.fromkeys(fine, error)}


def _of_error(
    settings: Settings, source: Source, sql: StagingSql, files: Sequence[RawFile], error: StagingError
) -> Problem:
    told, file, row = told_with_place(settings, source, sql, files, error)
    place = {"file": file.file} if file else {}
    return Problem(
        CAN_BE_STAGED,
        (file or files[0]).table,
        told,
        [{**place, **({"row": row} if row is not None else {})}] if place else [],
    )


def _rejected(
    source: Source, loads: Mapping[date, Sequence[RawFile]], staged: Iterable[StagedRows]
) -> dict[date, list[Problem]]:
    """Loads of which staging rejects more than the source allows of an entity's rows from one table."""
    places = {file.file: (day, file) for day, files in loads.items() for file in files}
    groups: dict[tuple[date, str, str], list[StagedRows]] = {}
    for rows in staged:
        if rows.file in places:
            day, raw = places[rows.file]
            groups.setdefault((day, raw.table, rows.entity), []).append(rows)
    problems: dict[date, list[Problem]] = {}
    for (day, table, entity), parts in groups.items():
        rejected = [part for part in parts if part.reason is not None]
        of_all, lost = sum(part.count for part in parts), sum(part.count for part in rejected)
        reasons: Counter[str] = Counter()
        for part in rejected:
            reasons[part.reason or ""] += part.count
        counted = lost if of_all >= FEW_ROWS else max(reasons.values(), default=0)
        # A single bad row costs that row alone.
        if counted > max(1, source.max_rejected_share * of_all):
            commonest = max(rejected, key=lambda part: part.count)
            told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common(3))
            found = f"{lost:,} of {of_all:,} {entity} rows rejected ({lost / of_all:.0%}): {told}"
            rows = commonest.rows[:SHOWN_ROWS].to_pylist()
            examples = _examples(source, places[commonest.file][1], rows)
            problems.setdefault(day, []).append(Problem(FEW_REJECTED, table, found, examples))
    return problems


def _repeated(
    loads: Mapping[date, Sequence[RawFile]], repeated: Iterable[Repeated]
) -> dict[date, list[Problem]]:
    """Loads with raw rows that a model makes several rows of which no number tells apart."""
    places = {file.file: (day, file) for day, files in loads.items() for file in files}
    problems: dict[date, list[Problem]] = {}
    for found in repeated:
        if found.file in places:
            day, raw = places[found.file]
            told = (
                f"{counted(found.count, 'row')} of {found.file} give several {found.entity} rows without a"
                f" number of each, such as row {found.row:,}"
            )
            example: dict[str, Scalar] = {"file": found.file, "row": found.row}
            problems.setdefault(day, []).append(Problem(ITEMS_NUMBERED, raw.table, told, [example]))
    return problems


def _examples(source: Source, file: RawFile, rows: Sequence[int]) -> list[dict[str, Scalar]]:
    """Raw rows with what they hold of times, amounts and kinds: nothing that may say whose they are."""
    table = source.tables[file.table]
    named = {*table.vocabulary, *table.amounts, *([table.event_time.column] if table.event_time else [])}
    shown = [
        name
        for name in table.columns.declared
        if name in named or (SHOWN_COLUMN.search(name) and name not in table.personal)
    ][:SHOWN_COLUMNS]
    found = pq.read_table(file.path, columns=["_row", *shown], filters=[("_row", "in", list(rows))])
    return [
        {
            "file": file.file,
            "row": row["_row"],
            **{name: str(row[name]) for name in shown if row[name] is not None},
        }
        for row in found.to_pylist()
    ]


def _result(
    source: Source, rule: str, table: str, problems: Mapping[date, Sequence[Problem]]
) -> ExpectationResult:
    mine = {
        day: [problem for problem in found if (problem.rule, problem.table) == (rule, table)]
        for day, found in sorted(problems.items())
    }
    failed = {day: found for day, found in mine.items() if found}
    return ExpectationResult(
        table=f"{source.source_id}.{table}",
        name=rule,
        description=_description(source, rule),
        column=None,
        severity=SEVERITY[rule],
        owner=source.owner,
        status="failed" if failed else "passed",
        observed="; ".join(found[0].found for found in list(failed.values())[:1]) or "all loads",
        examples=tuple(
            {"load_date": day.isoformat(), **example}
            for day, found in failed.items()
            for problem in found
            for example in problem.examples
        )[:10],
        load_dates=tuple(failed),
        runbook=f"{RUNBOOK}#{SECTIONS[rule]}",
        found={day: "; ".join(map(_told, found)) for day, found in failed.items()},
        cure=_cure(source, rule, table),
    )


def _told(problem: Problem) -> str:
    """What was found, with the values of the examples if they show any."""
    values = [
        ", ".join(f"{name}={value}" for name, value in example.items() if name != "file")
        for example in problem.examples
        if len(example) > len(("file", "row"))
    ]
    if not values:
        return problem.found
    file = problem.examples[0]["file"]
    return f"{problem.found}; such as {' and '.join(values)} of {file}"


def _cure(source: Source, rule: str, table: str) -> str:
    if rule == ITEMS_NUMBERED:
        return (
            "Number them in the model, with `json_items` or `column_items`, and say what they belong to, with"
            " `row_origin(..., items_of=...)`: docs/raw-rows.md. Until then, one that is no longer delivered"
            " stays, and of two with one ID only one is kept."
        )
    accept = f"`aipl accept {source.source_id} LOAD_DATE --reason TEXT`"
    if rule == CAN_BE_STAGED:
        return (
            "Make the model read such a value (`safe_cast`, `json_text`), or have the dump corrected and"
            " delivered again."
        )
    return (
        f"If a column has another format or meaning than {table} and its staging model say (`event_time`,"
        " `decimal_mark`, `vocabulary`), correct them; else have the dump delivered again. If that many are"
        f" always rejected, raise `max_rejected_share` of {source.source_id}; {accept} lets this one in."
    )


def _description(source: Source, rule: str) -> str:
    if rule == CAN_BE_STAGED:
        return "the staging models can be run over every row"
    if rule == ITEMS_NUMBERED:
        return "several rows that staging makes of one row have a number each"
    return f"staging rejects at most {source.max_rejected_share:.0%} of the rows of a load"
