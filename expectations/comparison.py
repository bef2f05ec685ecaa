"""What people are told of a comparison with the past: found, usual, and what has no past yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from expectations.baseline import MIN_WEEKS, Judged
from expectations.results import ExpectationResult, Scalar
from expectations.validation import MAX_EXAMPLES

SHOWN_MEASURES = 3


def compared(result: ExpectationResult, loads: Mapping[date, Sequence[Judged]]) -> ExpectationResult:
    """A result about drift, with examples that say found and usual."""
    if result.error:
        return result
    judged = [(day, one) for day, found in loads.items() for one in found]
    # Of a day with several measures, the shortest past.
    lacking = sorted(((day, one.weeks) for day, one in judged if one.lacks_baseline), reverse=True)
    not_judged = _not_judged(dict(lacking))
    observed = result.observed if any(one.deviation is not None for _, one in judged) else None
    off = [(day, one) for day, one in judged if day in result.load_dates and (one.deviation or 0) > 1]
    return replace(
        result,
        observed="; ".join(filter(None, (observed, not_judged))) or "nothing to compare",
        not_judged=not_judged,
        examples=tuple(_example(day, one) for day, one in off[:MAX_EXAMPLES]),
        # Of several measures of a load, those that are furthest off.
        found={
            day: "; ".join(map(_in_figures, sorted(ones, key=_deviation, reverse=True)[:SHOWN_MEASURES]))
            for day in result.load_dates
            if (ones := [one for other, one in off if other == day])
        },
    )


def _deviation(load: Judged) -> float:
    return load.deviation or 0


def _in_figures(load: Judged) -> str:
    """What a load has against what is usual: `30 rows against 800 (the median of 5 weeks)`."""
    is_count = load.measure == "row_count"
    measure = "rows" if is_count else load.measure
    found, usual = (_figure(value, is_count) for value in (load.found, load.usual))
    told = f"{found} {measure}" if is_count else f"{measure} {found}"
    return f"{told} against usually {usual} (the median of that weekday in {load.weeks} weeks)"


def _figure(number: float | None, is_count: bool) -> str:
    return "nothing" if number is None else f"{number:,.0f}" if is_count else f"{number:.4g}"


def _not_judged(weeks: Mapping[date, int]) -> str:
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
