"""What an arriving load has that its rule does not allow, in figures and with a few of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from expectations.profile import objections
from expectations.results import ExpectationResult
from expectations.suites.arrival import (
    FUTURE_SHARE,
    NOT_NUMBER_SHARE,
    NULL_SHARE,
    OUTSIDE_SHARE,
    UNKNOWN_SHARE,
    UNREADABLE_SHARE,
    ArrivalTable,
)
from expectations.suites.rule import Rule

SHOWN_VALUES = 3
LONGEST_VALUE = 40
# Words of a vocabulary and times are shown; a word may have one digit inside, as `add2cart` has. Anything
# else may be somebody's, so only its form is.
SHARES_OF_VALUES = tuple(one.format("") for one in (UNKNOWN_SHARE, OUTSIDE_SHARE, NOT_NUMBER_SHARE))
REASON = re.compile(".*")
TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b[\d:.TZ +-]{,20}")
WORD = re.compile(r"(?:[^\W\d]+|[^\W\d]{2,}\d[^\W\d]{2,})(?:[ .-][^\W\d]+)*")


def in_figures(result: ExpectationResult, rule: Rule, table: ArrivalTable) -> ExpectationResult:
    """A result that says what each of its load dates has; one about drift says so itself."""
    if result.error or not result.load_dates or rule.drifts:
        return result
    measure = str(rule.arguments["column"])
    values = objections(table, measure, result.load_dates, SHOWN_VALUES)
    came = {file.load_date for file in table.files if file.path or file.unreadable_count}
    quoted = {UNKNOWN_SHARE.format(rule.column): WORD, FUTURE_SHARE: TIME, UNREADABLE_SHARE: REASON}
    shown = quoted.get(measure)
    found = {}
    for day in result.load_dates:
        objected, such = values.get(day, (None, {}))
        told = _told(measure, table.measures[day], objected) + _such_as(such, shown)
        found[day] = told if day in came else "no dump came"
    return replace(result, found=found)


def _told(measure: str, load: Mapping[str, float | None], objected: int | None) -> str:
    """A measure in counts where they are known: `objected` is the number of rows that it is of."""
    number, rows = load.get(measure), load.get("row_count") or 0
    if measure == "row_count":
        return f"{rows:,.0f} rows"
    if measure == UNREADABLE_SHARE:
        unreadable = load.get("unreadable_count") or 0
        return f"{unreadable:,.0f} of {rows + unreadable:,.0f} records"
    if "share" not in measure:
        return f"{measure} {number:g}" if number is not None else f"no {measure}"
    whole = "the values" if measure.startswith(SHARES_OF_VALUES) else "the rows"
    if objected is None and measure.startswith(NULL_SHARE.format("")):
        objected = round((number or 0) * rows)
    if objected is None:
        return f"{number or 0:.1%} of {whole} in a load of {rows:,.0f} rows"
    return f"{objected:,} of {rows:,.0f} rows ({number or 0:.1%} of {whole})"


def _such_as(values: Mapping[str, int], shown: re.Pattern[str] | None) -> str:
    told = [
        f"{value if shown and shown.fullmatch(value) else form(value)} ({count:,})"
        for value, count in values.items()
    ]
    return f", such as {', '.join(told)}" if told else ""


def form(value: str) -> str:
    """How a value looks, without what it says: its digits as 9, its letters as a.

    >>> form("12,50 EUR")
    '99,99 aaa'
    """
    letters = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value))
    return letters if len(letters) <= LONGEST_VALUE else letters[: LONGEST_VALUE - 1] + "…"
