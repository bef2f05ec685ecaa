"""What an arriving load must look like to be accepted; each rule checks every load date on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from expectations.baseline import Drift, History
from expectations.results import Severity
from expectations.suites.rule import Rule, Suite

OWNER = "data-platform"
MAX_NULL_SHARE = 0.01
MAX_UNKNOWN_SHARE = 0.05
# A load below this share of the usual is not just a quiet day, if the usual is more than this many rows.
MIN_VOLUME = 0.1
MIN_VOLUME_ROWS = 500
# Shares and medians of fewer rows are meaningless.
MIN_ROWS = 50

# Measures of a load, which are columns of its profile; `{}` is a column of the dump.
FUTURE_SHARE = "future share"
DAYS_BEHIND = "days behind"
DUPLICATE_SHARE = "duplicate share"
DAMAGED_SHARE = "damaged share"
COLUMN_COUNT = "columns"
NULL_SHARE = "null share of {}"
# Of the values that are not NULL.
UNKNOWN_SHARE = "unknown share of {}"
NUMBER_SHARE = "number share of {}"
NOT_NUMBER_SHARE = "share of no numbers in {}"
# Of the numbers.
OUTSIDE_SHARE = "outside share of {}"
MEDIAN = "median of {}"
# Of the rule, how far off a load is; 1 is the edge of what is tolerated.
DRIFT = "drift of {}"


class EventTime(NamedTuple):
    """The column of a row's time, and how it is written: `iso`, `unix_seconds` or a strptime pattern."""

    column: str
    format: str = "iso"


@dataclass(frozen=True)
class ArrivalFile:
    """One parsed dump file: `row_count` readable rows, all of them in the Parquet at `path`, and
    `unreadable_count` rows that were set aside. `path` is None only if nothing was readable."""

    load_date: date
    path: Path | None
    row_count: int
    unreadable_count: int

    def __post_init__(self) -> None:
        if self.path is None and self.row_count:
            raise ValueError(f"Load {self.load_date} has {self.row_count} rows but no Parquet file.")


@dataclass(frozen=True)
class ArrivalTable:
    """What arrived for one table of a source, for any number of load dates, and what its contract requires.

    `columns` are all that it declares, `not_null` groups of which each row has one. `covers_days_before` is
    how many days before its load date a load's data are, None if unknown. `history` holds the accepted loads;
    `unusual_dates` are neither compared with others nor used as a baseline.
    """

    source_id: str
    table: str
    not_null: Sequence[Sequence[str]]
    vocabulary: Mapping[str, Sequence[str]]
    max_unreadable_share: float
    files: Sequence[ArrivalFile]
    may_be_empty: bool = False
    columns: Sequence[str] = ()
    event_time: EventTime | None = None
    key: Sequence[str] = ()
    amounts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    is_daily: bool = False
    covers_days_before: int | None = None
    owner: str = OWNER
    history: History = field(default_factory=dict)
    unusual_dates: Collection[date] = ()

    @property
    def name(self) -> str:
        """`<source>.<table>`, as results call it."""
        return f"{self.source_id}.{self.table}"

    @cached_property
    def measures(self) -> History:
        """Measures of each load date; raises what `load_measures` raises."""
        from expectations.profile import load_measures

        return load_measures(self)


def either_of(columns: Sequence[str]) -> str:
    """How a group of columns is called of which a row has at least one."""
    return " or ".join(columns)


def arrival_suite(table: ArrivalTable) -> Suite:
    """The suite of one arriving table, over its profile: one row a load date."""
    rules = (*_row_rules(table), *_column_rules(table), *(_drift_rules(table) if table.is_daily else ()))
    return Suite(table.name, table.owner, ("load_date",), rules, row="load date")


def _row_rules(table: ArrivalTable) -> Iterator[Rule]:
    if not table.may_be_empty:
        yield _bounded("has_rows", "row_count", "a load has at least one readable row", low=1)
    unreadable = "rows are unreadable (one truncated line per file is tolerated)"
    yield _at_most(table.max_unreadable_share, "rows_readable", "unreadable_share", unreadable)
    if table.key:
        repeated = f"rows repeat another row's {', '.join(table.key)}"
        yield _at_most(0.2, "rows_distinct", DUPLICATE_SHARE, repeated, severity="warning")
    if table.columns:
        # With the wrong encoding, here (U+FFFD) or earlier (UTF-8 read as another).
        damaged = "rows contain wrongly decoded text"
        yield _at_most(0.2, "text_readable", DAMAGED_SHARE, damaged)
        yield _at_most(0.001, "text_undamaged", DAMAGED_SHARE, damaged, severity="warning")


def _column_rules(table: ArrivalTable) -> Iterator[Rule]:
    for group in table.not_null:
        name, either = "_or_".join(group), either_of(group)
        yield _at_most(MAX_NULL_SHARE, f"{name}_present", NULL_SHARE, f"rows lack {either}", either)
    for column in table.vocabulary:
        unknown = f"{column} are outside the declared vocabulary"
        yield _at_most(MAX_UNKNOWN_SHARE, f"{column}_known", UNKNOWN_SHARE, unknown, column)
    for column, (low, high) in table.amounts.items():
        yield _at_most(0.2, f"{column}_is_a_number", NOT_NUMBER_SHARE, f"{column} are not numbers", column)
        outside = f"{column} are outside {low:,g} to {high:,g}"
        yield _at_most(0.2, f"{column}_possible", OUTSIDE_SHARE, outside, column)
        yield _at_most(0.02, f"{column}_plausible", OUTSIDE_SHARE, outside, column, severity="warning")
    if table.event_time is None:
        return
    column = table.event_time.column
    future = f"{column} are more than a day after its load date"
    yield _at_most(0.2, f"{column}_not_in_future", FUTURE_SHARE, future, column)
    yield _at_most(0.02, f"{column}_rarely_in_future", FUTURE_SHARE, future, column, severity="warning")
    if table.covers_days_before is not None:
        fresh = f"the newest {column} of a load is on the day that the load covers, or the day before"
        yield _bounded(f"{column}_fresh", DAYS_BEHIND, fresh, high=1, column=column, severity="warning")


def _drift_rules(table: ArrivalTable) -> Iterator[Rule]:
    """Comparisons with the same weekday of past weeks; skipped for a table without history."""
    yield _drifting(
        "volume_not_collapsed",
        f"a load has at least {MIN_VOLUME:.0%} of its usual rows",
        Drift("row_count", side="below", relative=1 - MIN_VOLUME, absolute=MIN_VOLUME_ROWS),
        severity="critical",
    )
    yield _drifting(
        "volume_as_usual",
        "a load has about as many rows as on the same weekday before",
        Drift("row_count", noise="count", side="below", relative=0.5, absolute=MIN_ROWS),
        Drift("row_count", noise="count", side="above", relative=1, absolute=MIN_ROWS),
    )
    yield _drifting(
        "unreadable_as_usual",
        "about as many rows as usual are unreadable",
        Drift("unreadable_share", noise="share", side="above", absolute=0.005, min_rows=MIN_ROWS),
    )
    if table.key:
        yield _drifting(
            "duplicates_as_usual",
            "about as many rows as usual are duplicates",
            Drift(DUPLICATE_SHARE, noise="share", side="above", absolute=0.01, min_rows=MIN_ROWS),
        )
    yield _drifting(
        "as_many_columns_as_usual",
        "dumps have as many columns as usual, including undeclared ones",
        Drift(COLUMN_COUNT, absolute=0.5),
    )
    if table.columns:
        filled = Drift(NULL_SHARE, noise="share", side="above", absolute=0.25, min_rows=MIN_ROWS)
        yield _drifting(
            "columns_filled_as_usual",
            "each column is empty about as often as usual; a missing column shows up here",
            *_of_each(table.columns, filled),
        )
        numbers = Drift(NUMBER_SHARE, noise="share", absolute=0.25, min_rows=MIN_ROWS)
        yield _drifting(
            "columns_of_usual_kind",
            "each column holds numbers about as often as usual; swapped columns show up here",
            *_of_each(table.columns, numbers),
        )
    if table.amounts:
        yield _drifting(
            "amounts_as_usual",
            "the median of each amount is about the usual one",
            *_of_each(table.amounts, Drift(MEDIAN, relative=0.6, min_rows=MIN_ROWS)),
        )


def _of_each(columns: Iterable[str], drift: Drift) -> Iterator[Drift]:
    return (replace(drift, measure=drift.measure.format(column)) for column in columns)


def _drifting(name: str, reason: str, *drifts: Drift, severity: Severity = "warning") -> Rule:
    """A bound on the deviation from the usual, in units of the tolerance."""
    runbook = "volume-collapsed" if severity == "critical" else "drift"
    rule = _bounded(name, DRIFT.format(name), reason, high=1, severity=severity)
    return replace(rule, drifts=drifts, runbook=runbook)


def _at_most(
    share: float,
    name: str,
    measure: str,
    what: str,
    column: str | None = None,
    *,
    severity: Severity = "critical",
) -> Rule:
    """A bound on a share of a load's rows, or of its values in `column`."""
    reason = f"at most {share * 100:g}% of a load's {what}"
    return _bounded(name, measure.format(column), reason, high=share, column=column, severity=severity)


def _bounded(
    name: str,
    measure: str,
    reason: str,
    *,
    low: float | None = None,
    high: float | None = None,
    column: str | None = None,
    severity: Severity = "critical",
) -> Rule:
    """A bound on one column of the profile, which describes `column` of the dump."""
    arguments = {"column": measure, "min_value": low, "max_value": high}
    runbook = "a-load-is-refused" if severity == "critical" else "a-warning"
    return Rule(
        name, reason, "ExpectColumnValuesToBeBetween", arguments, severity, column=column, runbook=runbook
    )
