"""What people are told of a comparison with the past: found, usual, and what has no past yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from expectations.baseline import MIN_WEEKS, Judged
from expectations.results import ExpectationResult, Scalar
from expectations.suites.rule import Suite
from expectations.validation import MAX_EXAMPLES


def compared(
    suite: Suite, judged: Mapping[str, Mapping[date, Sequence[Judged]]], results: Sequence[ExpectationResult]
) -> list[ExpectationResult]:
    """The results of a suite, those about drift with examples that say found and usual."""
    columns = {rule.name: str(rule.arguments["column"]) for rule in suite.rules if rule.drifts}
    return [
        _compared(result, judged[columns[result.name]]) if result.name in columns else result
        for result in results
    ]


def _compared(result: ExpectationResult, loads: Mapping[date, Sequence[Judged]]) -> ExpectationResult:
    lacking = {
        day: min(one.weeks for one in found if one.lacks_baseline)
        for day, found in loads.items()
        if any(one.lacks_baseline for one in found)
    }
    not_judged = told_not_judged(lacking)
    judged = any(one.deviation is not None for found in loads.values() for one in found)
    observed = result.observed if judged else "nothing to compare"
    off = [
        (day, one)
        for day in result.load_dates
        for one in loads[day]
        if one.deviation is not None and one.deviation > 1
    ]
    return replace(
        result,
        observed=f"{observed}; {not_judged}" if judged and not_judged else not_judged or observed,
        not_judged=not_judged,
        examples=tuple(_example(day, one) for day, one in off[:MAX_EXAMPLES]),
    )


def told_not_judged(weeks: Mapping[date, int]) -> str:
    """Which load dates have no baseline yet; empty when all have."""
    if not weeks:
        return ""
    latest = max(weeks)
    text = f"no baseline yet: {weeks[latest]} of {MIN_WEEKS} weeks"
    return f"{text} before {latest}" + (
        f", and so {len(weeks) - 1} load dates more" if len(weeks) > 1 else ""
    )


def _example(day: date, load: Judged) -> dict[str, Scalar]:
    return {
        "load_date": day.isoformat(),
        "measure": load.measure,
        "found": _short(load.found),
        "usual": _short(load.usual),
        "tolerated_difference": _short(load.tolerated),
        "weeks": load.weeks,
    }


def _short(number: float | None) -> Scalar:
    return None if number is None else float(f"{number:.4g}")
