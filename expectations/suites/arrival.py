"""What an arriving load must look like before it is let in; each rule judges every load date on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from expectations.suites.rule import Rule, Suite

OWNER = "data-platform"
MAX_NULL_SHARE = 0.01
MAX_UNKNOWN_SHARE = 0.05


@dataclass(frozen=True)
class ArrivalFile:
    """One parsed dump file: `row_count` readable rows, all of them in the Parquet at `path`, and
    `unreadable_count` rows that were set aside. `path` is None only where nothing was readable."""

    load_date: date
    path: Path | None
    row_count: int
    unreadable_count: int

    def __post_init__(self) -> None:
        if self.path is None and self.row_count:
            raise ValueError(f"Load {self.load_date} has {self.row_count} rows but no Parquet file.")


@dataclass(frozen=True)
class ArrivalTable:
    """What arrived of one table of one source, any number of load dates, and what its contract asks."""

    source_id: str
    table: str
    not_null: Sequence[str]
    vocabulary: Mapping[str, Sequence[str]]
    max_unreadable_share: float
    files: Sequence[ArrivalFile]
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError(f"Nothing arrived of {self.name}: there is nothing to judge.")
        if "." in self.source_id:
            raise ValueError(f"The name of source '{self.source_id}' must not hold a dot.")

    @property
    def name(self) -> str:
        """`<source>.<table>`, as results call it."""
        return f"{self.source_id}.{self.table}"


def null_share(column: str) -> str:
    """Name of the profile's column with the share of NULLs among readable rows."""
    return f"null share of {column}"


def unknown_share(column: str) -> str:
    """Name of the profile's column with the share of unknown words among values that are not NULL."""
    return f"unknown share of {column}"


def arrival_suite(table: ArrivalTable) -> Suite:
    """The suite of one arriving table, over its profile: one row a load date."""
    return Suite(table.name, OWNER, ("load_date",), _rules(table), row="load date")


def _rules(table: ArrivalTable) -> tuple[Rule, ...]:
    has_rows = _bounded("has_rows", "row_count", "a load has at least one readable row", low=1)
    return (
        *(() if table.may_be_empty else (has_rows,)),
        _bounded(
            "rows_readable",
            "unreadable_share",
            f"at most {table.max_unreadable_share:.2%} of a load's rows are unreadable "
            "(one cut line a file is forgiven)",
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
    )


def _bounded(
    name: str,
    measure: str,
    reason: str,
    *,
    low: float | None = None,
    high: float | None = None,
    column: str | None = None,
) -> Rule:
    """A bound on one column of the profile, which is about `column` of the dump."""
    arguments = {"column": measure, "min_value": low, "max_value": high}
    return Rule(name, reason, "ExpectColumnValuesToBeBetween", arguments, column=column)
