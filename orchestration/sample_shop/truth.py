"""What a warehouse must find in the dumps, counted from the lives of the persons and never from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from orchestration.sample_shop.rows import (
    Delivery,
    Event,
    Membership,
    Order,
    OrderLine,
    Refund,
    Review,
    Row,
    money,
)
from orchestration.sample_shop.tables import TABLES
from orchestration.sample_shop.world import DAY, World

R = TypeVar("R", Event, Order, OrderLine, Refund, Review, Membership)


def entity_key(row: Row) -> Hashable:
    """What makes two rows versions or copies of one thing."""
    if isinstance(row, OrderLine):
        return row.order_id, row.line
    return row[1] if isinstance(row, Event | Order | Membership) else row[0]


def truth(world: World, told: Sequence[Delivery]) -> dict[str, Any]:
    """Expected counts and amounts (text, CNY) at the end of the world, of rows that no flaw spoils.

    `distinct` counts entities and `duplicates` the rows beyond the first of each: copies and, for orders,
    memberships and products, other versions. A person is the member, else the visitor.
    """
    tables: dict[str, dict[str, int]] = {}
    for kind, table in TABLES.items():
        rows = [row for _, row in told if type(row) is kind]
        distinct = len(set(map(entity_key, rows)))
        tables[table.name] = {
            "accepted": len(rows),
            "distinct": distinct,
            "duplicates": len(rows) - distinct,
        }
    orders = latest(Order, told)
    return {
        "tables": tables,
        "events": _events(latest(Event, told)),
        "orders": _orders(orders, latest(OrderLine, told), latest(Refund, told)),
        "reviews": {"by_rating": _counts(row.rating for row in latest(Review, told))},
        "memberships": _memberships(world, latest(Membership, told)),
        "persons": len(_persons(told)),
    }


def latest(kind: type[R], told: Iterable[Delivery]) -> list[R]:
    """Each entity of a kind as it was last updated, among what was delivered."""
    found: dict[Hashable, R] = {}
    for _, row in told:
        if isinstance(row, kind):
            key = entity_key(row)
            if key not in found or _updated(found[key]) < _updated(row):
                found[key] = row
    return list(found.values())


def _updated(row: Row) -> int:
    return row.updated_at if isinstance(row, Order | Membership) else 0


def _person(row: Event | Order | Review | Membership) -> str:
    return row.member or row.visitor


def _persons(told: Iterable[Delivery]) -> set[str]:
    return {
        _person(row)
        for _, row in told
        if isinstance(row, Event | Order | Review | Membership) and _person(row)
    }


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items(), key=str)}


def _events(events: Sequence[Event]) -> dict[str, Any]:
    return {
        "by_kind": _counts(event.kind for event in events),
        "by_brand": _counts(event.brand for event in events),
        "without_person": sum(not _person(event) for event in events),
        "before_start": sum(event.at < 0 for event in events),
    }


def _orders(orders: Sequence[Order], lines: Sequence[OrderLine], refunds: Sequence[Refund]) -> dict[str, Any]:
    paid = {order.order_id: order for order in orders if order.paid_at is not None}
    back: dict[str, int] = Counter()
    for refund in refunds:
        back[refund.order_id] += refund.amount
    full = {number for number, order in paid.items() if order.amount and back.get(number, 0) >= order.amount}
    bought = {number for number, order in paid.items() if order.amount}
    return {
        "paid": len(paid),
        "zero_amount": len(paid) - len(bought),
        "cancelled": sum(order.status == "cancelled" for order in orders),
        "presale": sum(order.deposit > 0 for order in orders),
        "without_person": sum(not _person(order) for order in orders),
        "paid_amount": money(sum(order.amount for order in paid.values())),
        "refunded_amount": money(sum(back.values())),
        "refunds_without_order": sum(not refund.order_id for refund in refunds),
        "fully_refunded": len(full),
        "fully_refunded_on_paid_day": sum(_refunded_at_once(paid[number], refunds) for number in full),
        "partly_refunded": len({number for number in back if number} - full),
        "of_several_brands": sum(len(brands) > 1 for brands in _brands(lines).values()),
        "paid_line_amount_by_brand": _line_amounts(lines, paid),
    }


def _refunded_at_once(order: Order, refunds: Iterable[Refund]) -> bool:
    last = max(refund.at for refund in refunds if refund.order_id == order.order_id)
    return order.paid_at is not None and last // DAY == order.paid_at // DAY


def _brands(lines: Iterable[OrderLine]) -> dict[str, set[str]]:
    brands: dict[str, set[str]] = {}
    for line in lines:
        brands.setdefault(line.order_id, set()).add(line.brand)
    return brands


def _line_amounts(lines: Iterable[OrderLine], paid: Mapping[str, Order]) -> dict[str, str]:
    amounts: dict[str, int] = Counter()
    for line in lines:
        if line.order_id in paid:
            amounts[line.brand or "unbranded"] += line.amount
    return {brand: money(amount) for brand, amount in sorted(amounts.items())}


def _memberships(world: World, memberships: Sequence[Membership]) -> dict[str, dict[str, int]]:
    """Persons in each state at the end of the last day, by brand."""
    end = world.days * DAY
    on = {
        (row.state, row.brand, _person(row))
        for row in memberships
        if row.joined_at < end and (row.left_at is None or row.left_at >= end)
    }
    states = sorted({state for state, _, _ in on})
    return {state: _counts(brand for found, brand, _ in on if found == state) for state in states}
