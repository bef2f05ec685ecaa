"""What an arriving load must look like to be accepted; each rule checks every load date on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from expectations.baseline import Drift, History, Measures
from expectations.results import Severity
from expectations.suites.rule import Rule, Suite

OWNER = "data-platform"
MAX_NULL_SHARE = 0.01
MAX_UNKNOWN_SHARE = 0.05
MAX_FUTURE_SHARE = 0.2
WARNED_FUTURE_SHARE = 0.02
MAX_DAYS_BEHIND = 1
MAX_NOT_NUMBER_SHARE = 0.2
MAX_OUTSIDE_SHARE = 0.2
WARNED_OUTSIDE_SHARE = 0.02
MAX_DUPLICATE_SHARE = 0.2
MAX_DAMAGED_SHARE = 0.2
WARNED_DAMAGED_SHARE = 0.001
# A load below this share of the usual is not just a quiet day, if the usual is more than this many rows.
MIN_VOLUME = 0.1
MIN_VOLUME_ROWS = 500
# Shares and medians of fewer rows are meaningless.
MIN_ROWS = 50

FUTURE_SHARE = "future share"
DAYS_BEHIND = "days behind"
DUPLICATE_SHARE = "duplicate share"
DAMAGED_SHARE = "damaged share"
COLUMN_COUNT = "columns"


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

    `columns` are all that it declares. `covers_days_before` is how many days before its load date a load's
    data are, None if unknown. `history` holds the accepted loads; `unusual_dates` are neither compared with
    others nor used as a baseline.
    """

    source_id: str
    table: str
    not_null: Sequence[str]
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

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError(f"Nothing arrived of {self.name}: there is nothing to judge.")
        if "." in self.source_id:
            raise ValueError(f"The name of source '{self.source_id}' must not hold a dot.")

    @property
    def name(self) -> str:
        """`<source>.<table>`, as results call it."""
        return f"{self.source_id}.{self.table}"

    @cached_property
    def measures(self) -> dict[date, Measures]:
        """Measures of each load date; raises what `load_measures` raises."""
        from expectations.profile import load_measures

        return load_measures(self)


def null_share(column: str) -> str:
    """Name of the profile's column with the share of NULLs among readable rows."""
    return f"null share of {column}"


def unknown_share(column: str) -> str:
    """Name of the profile's column with the share of unknown words among values that are not NULL."""
    return f"unknown share of {column}"


def number_share(column: str) -> str:
    """Name of the measure: the share of numbers among values that are not NULL."""
    return f"number share of {column}"


def not_number_share(column: str) -> str:
    """Name of the measure: the share of other things than numbers among values that are not NULL."""
    return f"share of no numbers in {column}"


def outside_share(column: str) -> str:
    """Name of the measure: the share of numbers outside the declared bounds."""
    return f"outside share of {column}"


def median_of(column: str) -> str:
    """Name of the measure: the median, about."""
    return f"median of {column}"


def drift_of(rule: str) -> str:
    """Name of the profile's column with how far off a load is; 1 is the edge of what is tolerated."""
    return f"drift of {rule}"


def arrival_suite(table: ArrivalTable) -> Suite:
    """The suite of one arriving table, over its profile: one row a load date."""
    return Suite(table.name, table.owner, ("load_date",), _rules(table), row="load date")


def _rules(table: ArrivalTable) -> tuple[Rule, ...]:
    has_rows = _bounded("has_rows", "row_count", "a load has at least one readable row", low=1)
    return (
        *(() if table.may_be_empty else (has_rows,)),
        _bounded(
            "rows_readable",
            "unreadable_share",
            f"at most {table.max_unreadable_share:.2%} of a load's rows are unreadable "
            "(one truncated line per file is tolerated)",
            high=table.max_unreadable_share,
        ),
        *(
            _bounded(
                f"{column}_present",
                null_share(column),
                f"at most {MAX_NULL_SHARE:.0%} of a load's rows lack {column}",
                high=MAX_NULL_SHARE,
                column=column,
            )
            for column in table.not_null
        ),
        *(
            _bounded(
                f"{column}_known",
                unknown_share(column),
                f"at most {MAX_UNKNOWN_SHARE:.0%} of a load's {column} are outside the declared vocabulary",
                high=MAX_UNKNOWN_SHARE,
                column=column,
            )
            for column in table.vocabulary
        ),
        *_time_rules(table),
        *(rule for column, bounds in table.amounts.items() for rule in _amount_rules(column, bounds)),
        *_key_rules(table),
        *(_text_rules() if table.columns else ()),
        *(_drift_rules(table) if table.is_daily else ()),
    )


def _time_rules(table: ArrivalTable) -> Iterator[Rule]:
    if table.event_time is None:
        return
    column = table.event_time.column
    yield _bounded(
        f"{column}_not_in_future",
        FUTURE_SHARE,
        f"at most {MAX_FUTURE_SHARE:.0%} of a load's {column} are more than a day after its load date",
        high=MAX_FUTURE_SHARE,
        column=column,
    )
    yield _bounded(
        f"{column}_rarely_in_future",
        FUTURE_SHARE,
        f"at most {WARNED_FUTURE_SHARE:.0%} of a load's {column} are more than a day after its load date",
        high=WARNED_FUTURE_SHARE,
        column=column,
        severity="warning",
    )
    if table.covers_days_before is not None:
        yield _bounded(
            f"{column}_fresh",
            DAYS_BEHIND,
            f"the newest {column} of a load is on the day that the load covers, or the day before",
            high=MAX_DAYS_BEHIND,
            column=column,
            severity="warning",
        )


def _amount_rules(column: str, bounds: tuple[float, float]) -> Iterator[Rule]:
    low, high = bounds
    yield _bounded(
        f"{column}_is_a_number",
        not_number_share(column),
        f"at most {MAX_NOT_NUMBER_SHARE:.0%} of a load's {column} are not numbers",
        high=MAX_NOT_NUMBER_SHARE,
        column=column,
    )
    for name, share, severity in (
        (f"{column}_possible", MAX_OUTSIDE_SHARE, "critical"),
        (f"{column}_plausible", WARNED_OUTSIDE_SHARE, "warning"),
    ):
        yield _bounded(
            name,
            outside_share(column),
            f"at most {share:.0%} of a load's {column} are outside {low:,g} to {high:,g}",
            high=share,
            column=column,
            severity="critical" if severity == "critical" else "warning",
        )


def _key_rules(table: ArrivalTable) -> Iterator[Rule]:
    if table.key:
        yield _bounded(
            "rows_distinct",
            DUPLICATE_SHARE,
            f"at most {MAX_DUPLICATE_SHARE:.0%} of a load's rows repeat another row's {', '.join(table.key)}",
            high=MAX_DUPLICATE_SHARE,
            severity="warning",
        )


def _text_rules() -> Iterator[Rule]:
    """Text decoded with the wrong encoding, here (U+FFFD) or earlier (UTF-8 read as another)."""
    for name, share, severity in (
        ("text_readable", MAX_DAMAGED_SHARE, "critical"),
        ("text_undamaged", WARNED_DAMAGED_SHARE, "warning"),
    ):
        yield _bounded(
            name,
            DAMAGED_SHARE,
            f"at most {share:.1%} of a load's rows contain wrongly decoded text",
            high=share,
            severity="critical" if severity == "critical" else "warning",
        )


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
        yield _drifting(
            "columns_filled_as_usual",
            "each column is empty about as often as usual; a missing column shows up here",
            *(
                Drift(null_share(column), noise="share", side="above", absolute=0.25, min_rows=MIN_ROWS)
                for column in table.columns
            ),
        )
        yield _drifting(
            "columns_of_usual_kind",
            "each column holds numbers about as often as usual; swapped columns show up here",
            *(
                Drift(number_share(column), noise="share", absolute=0.25, min_rows=MIN_ROWS)
                for column in table.columns
            ),
        )
    if table.amounts:
        yield _drifting(
            "amounts_as_usual",
            "the median of each amount is about the usual one",
            *(Drift(median_of(column), relative=0.6, min_rows=MIN_ROWS) for column in table.amounts),
        )


def _drifting(name: str, reason: str, *drifts: Drift, severity: Severity = "warning") -> Rule:
    """A bound on the deviation from the usual, in units of the tolerance."""
    runbook = "volume-collapsed" if severity == "critical" else "drift"
    rule = _bounded(name, drift_of(name), reason, high=1, severity=severity)
    return replace(rule, drifts=drifts, runbook=runbook)


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
