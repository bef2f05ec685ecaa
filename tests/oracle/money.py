"""Money of each brand and day: what was paid, and what went back, by its own day and by its order's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Document:
    """An order: the day on which it was paid, None if it is no purchase; `lines` are (brand, amount)."""

    paid_on: date | None
    amount: Decimal | None
    currency: str
    lines: Sequence[tuple[str, Decimal | None]]


@dataclass(frozen=True)
class Repayment:
    """A refund; `order` is None where it names none that is known."""

    order: Document | None
    refunded_on: date
    amount: Decimal
    currency: str


@dataclass
class Day:
    """One brand, currency and day."""

    paid_orders: int = 0
    unknown_amount_orders: int = 0
    gross: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    refunded_as_known: Decimal = Decimal(0)


def parts(amount: Decimal, lines: Sequence[tuple[str, Decimal | None]], bucket: str) -> Mapping[str, Decimal]:
    """An amount over the brands of its lines: borders rounded to the cent, the last one exact.

    What no line tells apart goes to the bucket.
    """
    brands = sorted({brand for brand, _ in lines})
    if len(brands) == 1:
        return {brands[0]: amount}
    known = [Fraction(line) for _, line in lines if line is not None]
    total = sum(known, Fraction(0))
    if len(known) < len(lines) or not lines or total == 0:
        return {bucket: amount}
    found, before, border = {}, Fraction(0), Decimal(0)
    for brand in brands:
        before += sum((Fraction(line or 0) for own, line in lines if own == brand), Fraction(0))
        exact = Fraction(amount) * before / total
        if before == total:
            reached = amount
        else:
            reached = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)
        found[brand], border = reached - border, reached
    return found


def book(
    documents: Iterable[Document], repayments: Iterable[Repayment], bucket: str, horizon: date
) -> dict[tuple[str, str, date], Day]:
    """All days up to the horizon on which money moved."""
    days: dict[tuple[str, str, date], Day] = defaultdict(Day)
    for document in documents:
        if document.paid_on is None or document.paid_on > horizon:
            continue
        if document.amount is None:
            for brand in {brand for brand, _ in document.lines}:
                day = days[brand, document.currency, document.paid_on]
                day.paid_orders += 1
                day.unknown_amount_orders += 1
            continue
        for brand, part in parts(document.amount, document.lines, bucket).items():
            day = days[brand, document.currency, document.paid_on]
            day.paid_orders += 1
            day.gross += part
    for repayment in repayments:
        if repayment.refunded_on > horizon:
            continue
        order = repayment.order
        shared = parts(repayment.amount, order.lines if order else (), bucket)
        known_on = repayment.refunded_on
        if order and order.paid_on and order.paid_on <= known_on:
            known_on = order.paid_on
        for brand, part in shared.items():
            days[brand, repayment.currency, repayment.refunded_on].refunded += part
            days[brand, repayment.currency, known_on].refunded_as_known += part
    return dict(days)
