"""What the pages call a figure of the scorecard, and how they write it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dashboard.charts.axes import Axis, axis_of
from dashboard.data import scorecard
from dashboard.data.release import ask, rows_of
from dashboard.format import figure
from dashboard.text import labels
from dashboard.view import View, connection_of

# Of which less is good news, and of which neither more nor less is.
LESS = (
    "bounce_visit",
    "bounce_visitor",
    "refunded_amount",
    "refund_rate_amount",
    "refund_rate_orders",
    "bad_rate",
)
NEITHER = ("new_buyer_share", "stay_per_visit", "stay_per_view", "stay_per_visitor_day", "views_per_visitor")


@dataclass(frozen=True)
class Measure:
    """A figure of the scorecard, or a ratio of two; `unit` as of `format.figure`."""

    column: str
    name: str
    note: str
    unit: str
    currency: str
    language: str

    @property
    def better(self) -> str:
        """Which change is good news, as of a tile."""
        return "less" if self.column in LESS else "neither" if self.column in NEITHER else "more"

    @property
    def axis(self) -> Axis:
        """How charts write it."""
        return axis_of(self.unit, self.currency, self.language)

    def written(self, value: float | None) -> str:
        """A value of it."""
        return figure(value, self.unit, self.currency, self.language)


def measure(view: View, column: str) -> Measure:
    """A measure by its column: ratios have their names, units and formulas in `dim_measure`."""
    currency, more = view.brand.currency if view.brand else "", view.definition("growth")
    own = next((one for one in ratios(view) if one.measure == column), None)
    if own is None:
        unit = "money" if column in scorecard.MONEY else "count"
        note = view.text(f"{column}_note") if f"{column}_note" in labels() else ""
        return Measure(column, view.text(column), f"{note} {more}".strip(), unit, currency, view.language)
    note = view.text("formula", numerator=own.numerator, denominator=own.denominator)
    name = getattr(own, f"name_{view.language}")
    return Measure(column, name, f"{note} {more}", own.unit, currency, view.language)


def ratios(view: View) -> tuple[Any, ...]:
    """The measures that are ratios: rows of `data.scorecard.MEASURES`."""
    return _ratios(str(view.release.folder)) if view.release else ()


# A page asks for some sixty of them.
@lru_cache(maxsize=4)
def _ratios(folder: str) -> tuple[Any, ...]:
    return tuple(rows_of(ask(connection_of(folder), scorecard.MEASURES)))
