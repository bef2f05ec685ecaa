"""What was sold and given back: money of documents over their lines, each part where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from oracle.money import CENT, ZERO, of_brands
from oracle.visits import NONE, Visit


@dataclass(frozen=True)
class Line:
    """A line of an order; an amount is None where it is not told."""

    line_id: str
    brand: str
    amount: Decimal | None
    product: str | None = None
    quantity: Decimal = Decimal(1)
    kind: str = "goods"
    list_amount: Decimal | None = None
    cost_amount: Decimal | None = None


@dataclass(frozen=True)
class Order:
    """An order with its lines; `paid_at` is None if it is no purchase."""

    order_id: str
    person: str | None
    created_at: datetime
    paid_at: datetime | None
    amount: Decimal | None
    currency: str | None
    lines: Sequence[Line]
    device: str | None = None
    channel: str | None = None
    campaign: str | None = None
    region: str | None = None
    discount: Decimal | None = None
    coupon: Decimal | None = None

    @property
    def bought(self) -> set[str]:
        """Brands that are bought: not those that are a gift."""
        brands = of_brands([(line.brand, line.amount) for line in self.lines])
        return {brand for brand, amount in brands.items() if amount is None or amount > 0}


@dataclass(frozen=True)
class Refund:
    """Money given back for an order, or one line of it, or for none that is known."""

    refund_id: str
    order: Order | None
    line_id: str | None
    day: date
    amount: Decimal | None
    currency: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Part:
    """A line's part of an amount; `line` is None for money that no line has."""

    brand: str
    line: Line | None
    amount: Decimal | None
    has_money: bool = True


def spread(amount: Decimal | None, order: Order, home: str) -> list[Part]:
    """An amount over the lines of its order, by brand and line: borders rounded to the cent, the last exact.

    A brand of the other sign, or that is only a gift in what was paid for, has no part. `home` has the money
    of documents without lines, and that which the lines tell of no brand.
    """
    totals = of_brands([(line.brand, line.amount) for line in order.lines])
    bought = order.bought if order.amount != 0 else set(totals)
    lines = sorted((line for line in order.lines if line.brand in bought), key=lambda o: (o.brand, o.line_id))
    untold = [Part(line.brand, line, None) for line in lines]
    if len(totals) > 1 and None in totals.values():
        return [*untold, Part(home, None, amount)]
    known = {brand: totals[brand] or ZERO for brand in totals.keys() & bought}
    whole = sum(known.values(), ZERO)
    if len(totals) == 1 and bought and whole == 0:
        without_money = [replace(part, amount=ZERO, has_money=False) for part in untold]
        return untold if amount is None else [*without_money, Part(lines[0].brand, None, amount)]
    sign = 1 if whole > 0 else -1
    lines = [line for line in lines if sign * known[line.brand] > 0]
    if not lines:
        return [Part(home, None, amount)]
    if amount is None:
        return [Part(line.brand, line, None) for line in lines]
    if len(totals) == 1 and whole == amount:
        return [Part(line.brand, line, line.amount) for line in lines]
    weights = [sign * Fraction(line.amount or 0) for line in lines]
    total = sum(weights, Fraction(0))
    before, border, found = Fraction(0), ZERO, []
    for line, weight in zip(lines, weights, strict=True):
        before += weight
        reached = amount if before == total else _cents(Fraction(amount) * before / total)
        found.append(Part(line.brand, line, reached - border))
        border = reached
    return found


def _cents(exact: Fraction) -> Decimal:
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Catalogue:
    """The current catalogue: category, listing and end of products, and parents of categories."""

    categories: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, date] = field(default_factory=dict)
    delisted: Mapping[str, date] = field(default_factory=dict)
    parents: Mapping[str, str | None] = field(default_factory=dict)

    def category(self, product: str | None) -> str:
        """Category of a product."""
        return self.categories.get(product or "", NONE)

    def department(self, product: str | None) -> str:
        """Top ancestor of its category; a cycle or a missing parent ends the climb."""
        reached = self.category(product)
        climbed = {reached}
        while (parent := self.parents.get(reached)) in self.parents and parent not in climbed:
            reached = parent or ""
            climbed.add(reached)
        return reached

    def on_sale(self, product: str, first: date, last: date) -> bool:
        """Whether it was on sale on any of these days."""
        listed, delisted = self.listed.get(product), self.delisted.get(product)
        return listed is not None and listed <= last and (delisted is None or delisted >= first)


@dataclass(frozen=True)
class Sale:
    """A line of a purchase, bought of its brand."""

    order: Order
    brand: str
    day: date
    hour: str
    product: str
    channel: str
    amount: Decimal | None
    line: Line | None = None
    discount: Decimal | None = None

    @property
    def kind(self) -> str:
        """Goods, freight or fee."""
        return self.line.kind if self.line else "goods"


@dataclass(frozen=True)
class Placed:
    """An order as it was placed with a brand, cancelled or not."""

    order: Order
    brand: str
    channel: str
    amount: Decimal | None


@dataclass(frozen=True)
class Back:
    """A part of a refund; the order is None where none is known."""

    refund: Refund
    brand: str
    order: Order | None
    channel: str
    amount: Decimal | None
    product: str
    currency: str | None


def channel_of(order: Order, brand: str, visits: Iterable[Visit]) -> str:
    """The order's own channel, else that of its person's last visit of the brand before it on its day."""
    if order.channel is not None:
        return order.channel
    before = [
        visit
        for visit in visits
        if order.person is not None
        and (visit.brand, visit.person, visit.day) == (brand, order.person, order.created_at.date())
        and visit.started_at <= order.created_at
    ]
    return max(before, key=lambda visit: (visit.started_at, visit.name)).channel if before else NONE


def sales(order: Order, home: str, visits: Iterable[Visit]) -> list[Sale]:
    """The lines of a purchase, of the brands that are bought."""
    if order.paid_at is None:
        return []
    found = []
    discounts = {
        (part.brand, part.line): part.amount for part in spread(order.discount, order, home) if part.has_money
    }
    for part in spread(order.amount, order, home):
        discount = discounts.get((part.brand, part.line)) if part.has_money else None
        if part.line and part.line.list_amount is not None:
            is_known = part.has_money and part.amount is not None
            discount = part.line.list_amount - (part.amount or ZERO) if is_known else None
        found.append(
            Sale(
                *(order, part.brand, order.paid_at.date(), f"{order.paid_at:%H}"),
                (part.line and part.line.product) or NONE,
                channel_of(order, part.brand, visits),
                *(part.amount, part.line, discount),
            )
        )
    return found


def placed(order: Order, home: str, visits: Iterable[Visit]) -> list[Placed]:
    """The order as placed, brand by brand."""
    amounts: dict[str, list[Decimal | None]] = {}
    # All of what is free is a gift, and ordered.
    for part in [] if order.amount == 0 else spread(order.amount, order, home):
        amounts.setdefault(part.brand, []).append(part.amount)
    if order.amount == 0:
        amounts = {brand: [ZERO] for brand in {line.brand for line in order.lines} or {home}}
    return [
        Placed(order, brand, channel_of(order, brand, visits), _sum(parts))
        for brand, parts in amounts.items()
    ]


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, ZERO) if len(known) == len(parts) else None


def backs(refund: Refund, home: str, visits: Iterable[Visit]) -> list[Back]:
    """The parts of a refund: of the line that it names, else of its order's, else of no product."""
    order = refund.order
    if order is None or order.paid_at is None:
        parts_of_none = spread(refund.amount, order, home) if order else [Part(home, None, refund.amount)]
        brands: dict[str, list[Decimal | None]] = {}
        for part in parts_of_none:
            brands.setdefault(part.brand, []).append(part.amount)
        told = (order and order.channel) or NONE, refund.currency or (order and order.currency)
        return [
            Back(refund, brand, order, told[0], _sum(amounts), "(documents)", told[1])
            for brand, amounts in brands.items()
        ]
    named = [
        line
        for line in order.lines
        if refund.line_id and line.line_id == refund.line_id and line.brand in order.bought
    ]
    # Where an unknown amount goes is where any other would.
    parts = spread(Decimal(1) if refund.amount is None else refund.amount, order, home)
    if refund.amount is None:
        parts = [replace(part, amount=None) for part in parts]
    if named:
        parts = [Part(named[0].brand, named[0], refund.amount)]
    return [
        Back(
            *(refund, part.brand, order, channel_of(order, part.brand, visits), part.amount),
            (part.line and part.line.product) or NONE,
            refund.currency or order.currency,
        )
        for part in parts
        if part.has_money
    ]
