"""How figures are written, everywhere the same; a dash where there is none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeGuard

import pandas as pd
from babel.numbers import format_compact_decimal, format_decimal

NONE = "–"
# Smaller changes, of the old value, are no news, and coloured like none.
NOTABLE = 0.01
SYMBOLS = {"CNY": "¥", "USD": "$", "GBP": "£", "EUR": "€", "BRL": "R$", "JPY": "JP¥"}


def is_known(value: float | None) -> TypeGuard[float]:
    """Whether the value is a figure, rather than None or the missing value of a data frame."""
    return value is not None and not pd.isna(value)


def count(value: float | None) -> str:
    """Persons, orders, rows: whole, with separators of thousands."""
    return f"{value:,.0f}" if is_known(value) else NONE


def percent(value: float | None) -> str:
    """A share, given as a fraction: per cent with one decimal."""
    return f"{value:.1%}" if is_known(value) else NONE


def money(value: float | None, currency: str, language: str = "en") -> str:
    """Whole units of a currency, with its sign or else its code; in Chinese by 万 and 亿."""
    if not is_known(value):
        return NONE
    sign = SYMBOLS.get(currency, f"{currency} ")
    return f"{'−' if round(value) < 0 else ''}{sign}{compact(abs(round(value)), language)}"


def compact(value: float, language: str) -> str:
    """A whole number: in Chinese by 万 and 亿, else with separators of thousands."""
    if language == "zh":
        return str(format_compact_decimal(round(value), locale="zh", fraction_digits=1))
    return str(format_decimal(round(value), locale=language))


def figure(value: float | None, unit: str, currency: str = "", language: str = "en") -> str:
    """A value as its unit is written: `share`, `money`, `seconds`, `number` (two decimals), else a count."""
    if not is_known(value):
        return NONE
    written = {
        "money": money(value, currency, language),
        "share": percent(value),
        "seconds": f"{value:,.0f} s",
        "number": f"{value:,.2f}",
    }
    return written.get(unit, count(value))


def signed(value: float | None, form: str = ",.0f") -> str:
    """A difference of counts, or in another `form`, with its sign in any case."""
    if not is_known(value):
        return NONE
    text = f"{value:+z{form}}".replace("-", "−")
    return text if text.strip("+0.%") else text.replace("+", "±")


def signed_percent(value: float | None) -> str:
    """A relative change, given as a fraction."""
    return signed(value, ".1%")


def points(value: float | None) -> str:
    """A difference of two shares, given as fractions: percentage points."""
    return f"{signed(value * 100, '.1f')} pp" if is_known(value) else NONE


def span(first: date, last: date) -> str:
    """A period: a whole calendar month by its name, any other by its days."""
    following = last + timedelta(days=1)
    if first.day == following.day == 1 and first.month == last.month and first.year == last.year:
        return f"{first:%Y-%m}"
    end = f"{last:%m-%d}" if first.year == last.year else f"{last:%Y-%m-%d}"
    return f"{first:%Y-%m-%d} – {end}"


def relative(new: float | None, old: float | None) -> float | None:
    """(new - old) / old; None where the base is 0 or either is missing."""
    return (new - old) / old if is_known(new) and is_known(old) and old else None


def is_notable(new: float | None, old: float | None) -> bool:
    """Whether a change is large enough to speak of; any is that begins at 0."""
    if not is_known(new) or not is_known(old):
        return False
    return abs(new - old) >= NOTABLE * abs(old) and new != old
