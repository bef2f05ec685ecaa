"""What growth is made of: gain, retain and boost of each category, and money without a buyer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

Factors = tuple[float, float, float]


@dataclass(frozen=True)
class Side:
    """Buyers, their orders and money of a leaf in a period, and money there without a buyer."""

    buyers: int = 0
    orders: int = 0
    amount: Decimal = Decimal(0)
    other: Decimal = Decimal(0)

    def factors(self, replaced_by: Side) -> Factors:
        """Buyers, orders of a buyer, money of an order; without buyers the last two are the other side's."""
        told = self if self.buyers else replaced_by
        return self.buyers, told.orders / told.buyers, float(told.amount) / told.orders


def letters(before: Side, after: Side) -> tuple[float, float, float]:
    """Gain, retain and boost: the mean, over all orders of change, of what each factor adds as it changes."""
    if not before.buyers and not after.buyers:
        return 0.0, 0.0, 0.0
    old, new = before.factors(after), after.factors(before)
    added = [0.0, 0.0, 0.0]
    orders = list(permutations(range(3)))
    for order in orders:
        now = list(old)
        for factor in order:
            was = _product(now)
            now[factor] = new[factor]
            added[factor] += (_product(now) - was) / len(orders)
    return added[0], added[1], added[2]


def _product(factors: Iterable[float]) -> float:
    result = 1.0
    for factor in factors:
        result *= factor
    return result


@dataclass(frozen=True)
class Leaf:
    """A leaf of a comparison."""

    before: Side
    after: Side
    gain: float
    retain: float
    boost: float
    other_change: float

    @property
    def is_entered(self) -> bool:
        """Whether somebody buys now and nobody did."""
        return not self.before.buyers and self.after.buyers > 0

    @property
    def is_left(self) -> bool:
        """Whether somebody bought and nobody does."""
        return self.before.buyers > 0 and not self.after.buyers


def leaves(before: Mapping[str, Side], after: Mapping[str, Side]) -> dict[str, Leaf]:
    """Every leaf that has anything on one of the sides."""
    found = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name, Side()), after.get(name, Side())
        gain, retain, boost = letters(old, new)
        change = float((new.amount + new.other) - (old.amount + old.other))
        found[name] = Leaf(old, new, gain, retain, boost, change - gain - retain - boost)
    return found
