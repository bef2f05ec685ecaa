"""What is known of each person: touches, paid orders and memberships, in business days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Touch:
    """One person did one kind of thing with one brand on one business day; only reviews carry a rating."""

    brand: str
    person: str
    kind: str
    day: date
    rating: int | None = None


@dataclass(frozen=True)
class SeenEvent:
    """One event behind a touch: when exactly, and where it came from; None is not told."""

    brand: str
    person: str
    day: date
    at: datetime
    event_id: str
    channel: str | None = None
    campaign: str | None = None


@dataclass(frozen=True)
class PaidOrder:
    """An order that is a purchase, and the day on which it became fully refunded, if it ever did."""

    brand: str
    person: str
    paid_day: date
    refunded_day: date | None = None


@dataclass(frozen=True)
class Membership:
    """A state that is on from `joined` until `left`, the day of leaving excluded."""

    brand: str
    person: str
    joined: date
    left: date | None = None
    kind: str = "member"
    tier: int | None = None

    def on(self, day: date) -> bool:
        """Whether the state holds on that day."""
        return self.joined <= day and (self.left is None or day < self.left)


@dataclass
class Evidence:
    """All evidence of one person with one brand, or of everybody before it is split."""

    touches: set[Touch] = field(default_factory=set)
    orders: list[PaidOrder] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)

    def of_each_person(self) -> dict[tuple[str, str], Evidence]:
        """The same evidence by (brand, person)."""
        people: dict[tuple[str, str], Evidence] = defaultdict(Evidence)
        for touch in self.touches:
            people[touch.brand, touch.person].touches.add(touch)
        for order in self.orders:
            people[order.brand, order.person].orders.append(order)
        for state in self.memberships:
            people[state.brand, state.person].memberships.append(state)
        return dict(people)

    @classmethod
    def of(cls, *facts: Touch | PaidOrder | Membership) -> Evidence:
        """Sort facts into their kinds; equal touches of one day are one touch."""
        evidence = cls()
        for fact in facts:
            if isinstance(fact, Touch):
                evidence.touches.add(fact)
            elif isinstance(fact, PaidOrder):
                evidence.orders.append(fact)
            else:
                evidence.memberships.append(fact)
        return evidence
