"""How figures are written, everywhere the same; a dash where there is none."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd

NONE = "–"
SYMBOLS = {"CNY": "¥", "USD": "$", "GBP": "£", "EUR": "€", "BRL": "R$", "JPY": "JP¥"}


def is_missing(value: float | None) -> bool:
    """Whether a figure is absent: None, or what a frame has in place of NULL."""
    return value is None or bool(pd.isna(value))


def count(value: float | None) -> str:
    """Persons, orders, rows: whole, with separators of thousands."""
    return NONE if value is None or is_missing(value) else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share, given as a fraction: per cent with one decimal."""
    return NONE if value is None or is_missing(value) else f"{value:.1%}"


def money(value: float | None, currency: str) -> str:
    """Whole units of a currency, with its sign, or its code where the sign is not known."""
    if value is None or is_missing(value):
        return NONE
    sign = SYMBOLS.get(currency, f"{currency} ")
    return f"{'−' if round(value) < 0 else ''}{sign}{abs(value):,.0f}"


def signed(value: float | None) -> str:
    """A difference of counts, with its sign in any case."""
    if value is None or is_missing(value):
        return NONE
    return f"{value:+,.0f}".replace("-", "−") if round(value) else "±0"


def signed_percent(value: float | None) -> str:
    """A relative change, given as a fraction."""
    if value is None or is_missing(value):
        return NONE
    text = f"{value:+.1%}".replace("-", "−")
    return "±0.0%" if text[1:] == "0.0%" else text


def points(value: float | None) -> str:
    """A difference of two shares, given as fractions: percentage points."""
    if value is None or is_missing(value):
        return NONE
    text = f"{value * 100:+.1f}".replace("-", "−")
    return "±0.0 pp" if text[1:] == "0.0" else f"{text} pp"


def span(first: date, last: date) -> str:
    """A period: a whole calendar month by its name, any other by its days."""
    if (
        first.day == 1
        and (last + timedelta(days=1)).day == 1
        and (first.year, first.month) == (last.year, last.month)
    ):
        return f"{first:%Y-%m}"
    return (
        f"{first:%Y-%m-%d} – {last:%m-%d}"
        if first.year == last.year
        else f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"
    )


def relative(new: float | None, old: float | None) -> float | None:
    """(new - old) / old; None where the base is 0 or either is missing."""
    if new is None or old is None or is_missing(new) or is_missing(old) or old == 0:
        return None
    return (new - old) / old


def age(since: datetime, now: datetime) -> timedelta:
    """Time gone by, never below zero: clocks differ."""
    return max(now - since, timedelta())
