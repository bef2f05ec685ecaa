"""Money of each brand and day: what was paid, and what went back, by its own day and by its order's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Document:
    """An order: the day on which it was paid, None if it is no purchase; `lines` are (brand, amount)."""

    paid_on: date | None
    amount: Decimal | None
    currency: str | None
    lines: Sequence[tuple[str, Decimal | None]]

    @property
    def bought(self) -> set[str]:
        """Brands that are bought: not those that are a gift."""
        return {brand for brand, line in of_brands(self.lines).items() if line is None or line > 0}


@dataclass(frozen=True)
class Repayment:
    """A refund; `order` is None where it names none that is known, `brand` where it names no line of it."""

    order: Document | None
    refunded_on: date
    amount: Decimal | None
    currency: str | None
    brand: str | None = None


@dataclass
class Sum:
    """Amounts, some of which may not be known."""

    known: Decimal = ZERO
    count: int = 0
    unknown: int = 0

    def add(self, amount: Decimal | None) -> None:
        """Count one more."""
        self.known += amount or ZERO
        self.count += 1
        self.unknown += amount is None

    @property
    def told(self) -> Decimal | None:
        """What is known of the sum; None where nothing is."""
        return None if self.count and self.count == self.unknown else self.known


class Day:
    """One brand, currency and day."""

    def __init__(self) -> None:
        self.paid, self.refunded, self.refunded_as_known = Sum(), Sum(), Sum()

    @property
    def figures(self) -> tuple[int | Decimal | None, ...]:
        """As the mart has them: orders, and by kind what is known and how many are not."""
        paid, refunded, as_known = self.paid, self.refunded, self.refunded_as_known
        by_kind = (paid.unknown, paid.told, refunded.told, refunded.unknown, as_known.told, as_known.unknown)
        nets = [
            None if paid.told is None or back.told is None else paid.told - back.told
            for back in (refunded, as_known)
        ]
        return (paid.count, *by_kind, *nets)


def of_brands(lines: Sequence[tuple[str, Decimal | None]]) -> dict[str, Decimal | None]:
    """The sum of the lines of each brand, None where a line is not known."""
    found: dict[str, Decimal | None] = {}
    for brand, line in lines:
        before = found.get(brand, ZERO)
        found[brand] = None if line is None or before is None else before + line
    return dict(sorted(found.items()))


def parts(amount: Decimal | None, order: Document | None) -> dict[str, Decimal | None]:
    """An amount over the brands bought in an order: borders rounded to the cent, the last one exact.

    A brand of the other sign, or that is only a gift in what was paid for, has no part. An amount that lines
    do not tell apart is unknown for each of them.
    """
    lines = of_brands(order.lines) if order else {}
    is_free = order is None or order.amount == 0
    bought = {brand: line for brand, line in lines.items() if is_free or line is None or line > 0}
    if len(lines) == len(bought) == 1:
        return dict.fromkeys(bought, amount)
    if None in lines.values():
        return dict.fromkeys(bought)
    known = {brand: Fraction(line) for brand, line in bought.items() if line is not None}
    total = sum(known.values(), Fraction(0))
    weights = {brand: line if total > 0 else -line for brand, line in known.items()}
    whole = sum(max(weight, Fraction(0)) for weight in weights.values())
    found: dict[str, Decimal | None] = {}
    before, border = Fraction(0), ZERO
    for brand, weight in weights.items():
        if weight <= 0:
            continue
        if amount is None:
            found[brand] = None
            continue
        before += weight
        exact = Fraction(amount) * before / whole
        if before == whole:
            reached = amount
        else:
            reached = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)
        found[brand] = reached - border
        border = reached
    return found


def places(amount: Decimal | None, order: Document | None, bucket: str) -> dict[str, Decimal | None]:
    """An amount over brands, and over the bucket what no line tells apart."""
    lines = of_brands(order.lines) if order else {}
    found = parts(amount, order)
    is_told = len(lines) == 1 or None not in lines.values()
    return found if found and is_told else {**found, bucket: amount}


def book(
    documents: Iterable[Document], repayments: Iterable[Repayment], bucket: str, horizon: date
) -> dict[tuple[str, str, date], Day]:
    """All days up to the horizon on which money moved."""
    days: dict[tuple[str, str, date], Day] = defaultdict(Day)
    for document in documents:
        if document.paid_on is None or document.paid_on > horizon:
            continue
        for brand, part in places(document.amount, document, bucket).items():
            days[brand, document.currency or "unknown", document.paid_on].paid.add(part)
    for repayment in repayments:
        if repayment.refunded_on > horizon:
            continue
        order = repayment.order
        currency = repayment.currency or (order and order.currency) or "unknown"
        known_on = repayment.refunded_on
        if order and order.paid_on and order.paid_on <= horizon:
            known_on = order.paid_on
        whole = {repayment.brand: repayment.amount} if repayment.brand else None
        for brand, part in (whole or places(repayment.amount, order, bucket)).items():
            days[brand, currency, repayment.refunded_on].refunded.add(part)
            days[brand, currency, known_on].refunded_as_known.add(part)
    return dict(days)


def gmv(
    documents: Iterable[Document], currencies: Mapping[str, str], first_day: date, horizon: date
) -> dict[tuple[str, date], tuple[Decimal | None, int]]:
    """What was paid in the brand's currency for what was bought of it, and orders in others, by day.

    None where an order has no amount, or none in a currency that is told.
    """
    amounts: dict[tuple[str, date], list[Decimal | None]] = defaultdict(list)
    others: dict[tuple[str, date], int] = defaultdict(int)
    for document in documents:
        if document.paid_on is None or not first_day <= document.paid_on <= horizon:
            continue
        for brand, part in parts(document.amount, document).items():
            if document.currency in (None, currencies[brand]):
                amounts[brand, document.paid_on].append(part if document.currency else None)
            else:
                others[brand, document.paid_on] += 1
    found = {}
    for key in amounts.keys() | others.keys():
        paid = amounts.get(key, [])
        known = [amount for amount in paid if amount is not None]
        found[key] = (sum(known, ZERO) if len(known) == len(paid) else None, others.get(key, 0))
    return found
