"""How axes and hover texts write values: by thousands in English, by 万 and 亿 in Chinese."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10

from dashboard.format import SYMBOLS, compact, money

# About so many steps are read at a glance.
STEPS = 5


@dataclass(frozen=True)
class Axis:
    """How an axis of a measure and its hover text write a value.

    `ticks` and `hover` are formats of the chart library, whose default writes 20,000 as 20k and 0.8 as it
    is; `words` writes the steps where the library cannot.
    """

    ticks: str
    hover: str
    prefix: str = ""
    suffix: str = ""
    words: Callable[[float], str] | None = None

    def of(self, name: str) -> str:
        """A value of a trace, such as `x`, as a template writes it."""
        return f"{self.prefix}%{{{name}:{self.hover}}}{self.suffix}"

    def written(self, value: float) -> str:
        """A value on a chart, as its axis writes it."""
        return self.words(value) if self.words else f"{self.prefix}{value:{self.hover}}{self.suffix}"

    def scale(self, highest: float, lowest: float = 0) -> dict[str, object]:
        """The axis of values up to the highest, and down to the lowest if that is below 0."""
        scale: dict[str, object] = {
            "tickformat": self.ticks,
            "exponentformat": "B",
            "separatethousands": True,
            "tickprefix": self.prefix,
            "ticksuffix": self.suffix,
            "rangemode": "tozero",
        }
        if self.words is None:
            return scale
        steps = round_steps(min(lowest, 0), highest)
        written = {"tickvals": steps, "ticktext": [self.words(step) for step in steps]}
        return scale | written | {"tickprefix": "", "ticksuffix": ""}


def axis_of(unit: str, currency: str = "", language: str = "en") -> Axis:
    """The axis of a unit, as of `format.figure`."""
    is_chinese = language == "zh"
    if unit == "money":
        return Axis(
            "",
            ",.0f",
            prefix=SYMBOLS.get(currency, f"{currency} "),
            words=(lambda value: money(value, currency, language)) if is_chinese else None,
        )
    kinds = {
        "share": Axis(".0%", ".1%"),
        "seconds": Axis(",", ",.0f", suffix=" s"),
        "number": Axis(",", ",.2f"),
    }
    count = Axis(",", ",", words=(lambda value: compact(value, language)) if is_chinese else None)
    return kinds.get(unit, count)


def round_steps(lowest: float, highest: float) -> list[float]:
    """Steps of 1, 2 or 5 times a power of ten that cover the values; whole ones."""
    room = max(highest - lowest, 1)
    power = 10 ** max(floor(log10(room / STEPS)), 0)
    step = next(power * one for one in (1, 2, 5, 10) if power * one * STEPS >= room)
    return [float(step * number) for number in range(floor(lowest / step), floor(highest / step) + 1)]
