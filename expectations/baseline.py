"""Baselines: the same weekday of the weeks before, and how far a load deviates from it.

Robust on purpose: a median with its median absolute deviation is not moved by the one bad night among eight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import median
from typing import Literal

# Measures of the loads of one table by load date; None where there was nothing to measure.
Measures = Mapping[str, float | None]
History = Mapping[date, Measures]

MAX_WEEKS = 8
MIN_WEEKS = 4
# A normal spread is 1.4826 times the median absolute deviation; five of them leave chance out.
SPREADS = 5
SPREAD_OF_MAD = 1.4826


@dataclass(frozen=True)
class Drift:
    """How far one measure may be from the usual before it is told.

    `relative` is a part of the usual, `absolute` in units of the measure; the widest tolerance counts.
    `noise` is what chance does to a number of that kind: a count of rows, a share of them, or neither.
    Loads with fewer than `min_rows` rows are not judged.
    """

    measure: str
    noise: Literal["count", "share", "none"] = "none"
    side: Literal["both", "above", "below"] = "both"
    relative: float = 0.0
    absolute: float = 0.0
    min_rows: int = 0


@dataclass(frozen=True)
class Judged:
    """One measure of one load against its past.

    `deviation` is 1 at the edge of what is tolerated, and None where the load is not judged.
    """

    measure: str
    weeks: int
    found: float | None
    usual: float | None = None
    tolerated: float | None = None
    deviation: float | None = None

    @property
    def lacks_baseline(self) -> bool:
        """Whether there are too few weeks of history."""
        return self.found is not None and self.weeks < MIN_WEEKS


def trailing(history: History, day: date, measure: str) -> list[float]:
    """Values of a measure on the same weekday of the `MAX_WEEKS` weeks before a day, latest first."""
    days = (day - timedelta(weeks=week) for week in range(1, MAX_WEEKS + 1))
    values = (history[one].get(measure) for one in days if one in history)
    return [value for value in values if value is not None]


def judge(drift: Drift, history: History, day: date, measures: Measures) -> Judged:
    """A load of that day with these measures (with `row_count`), against what came before it."""
    found = measures.get(drift.measure)
    past = trailing(history, day, drift.measure)
    rows = measures.get("row_count") or 0
    if found is None or len(past) < MIN_WEEKS or rows < drift.min_rows:
        return Judged(drift.measure, len(past), found)
    usual = median(past)
    spread = SPREAD_OF_MAD * median(abs(value - usual) for value in past)
    tolerated = max(
        SPREADS * spread, SPREADS * _chance(drift, usual, rows), drift.relative * abs(usual), drift.absolute
    )
    off = {"both": abs(found - usual), "above": found - usual, "below": usual - found}[drift.side]
    deviation = max(off, 0.0) / tolerated if tolerated else (2.0 if off > 0 else 0.0)
    return Judged(drift.measure, len(past), found, usual, tolerated, deviation)


def _chance(drift: Drift, usual: float, rows: float) -> float:
    """Standard deviation of a count (Poisson) or of a share of that many rows (binomial)."""
    if drift.noise == "count":
        return sqrt(abs(usual))
    if drift.noise == "share" and rows:
        return sqrt(max(usual * (1 - usual), 1 / rows) / rows)
    return 0.0
