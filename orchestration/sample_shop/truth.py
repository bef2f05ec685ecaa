"""What a warehouse must find in the dumps, counted from the lives of the persons and never from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from orchestration.sample_shop.crowds import MANY
from orchestration.sample_shop.persons import crawlers
from orchestration.sample_shop.rows import (
    Delivery,
    Event,
    GmvTarget,
    IdentityLink,
    Membership,
    Order,
    OrderLine,
    Refund,
    Review,
    Row,
    money,
    source_key,
)
from orchestration.sample_shop.tables import TABLES
from orchestration.sample_shop.trade import coupons, products, provinces
from orchestration.sample_shop.traffic import daily_traffic, path_flow
from orchestration.sample_shop.world import DAY, World

R = TypeVar("R", bound=Row)


def entity_key(row: Row) -> Hashable:
    """What makes two rows versions or copies of one thing."""
    if isinstance(row, OrderLine):
        return row.order_id, row.line
    if isinstance(row, GmvTarget):
        return row.brand, row.first, row.last
    return row[1] if isinstance(row, Event | Order | Membership | IdentityLink) else row[0]


def truth(world: World, told: Sequence[Delivery]) -> dict[str, Any]:
    """Expected counts and amounts (text, CNY) at the end of the world, of rows that no flaw spoils.

    `distinct` counts entities; the other rows are copies and other versions of them.
    The source key of a row is its member, else its visitor.
    """
    tables: dict[str, dict[str, int]] = {}
    for kind, table in TABLES.items():
        rows = [row for _, row in told if type(row) is kind]
        tables[table.name] = {"accepted": len(rows), "distinct": len(set(map(entity_key, rows)))}
    events = latest(Event, told)
    bots = _made_by_bots(world, events)
    of_bots = {event.event_id for event in bots}
    seen = [event for event in events if event.event_id not in of_bots and event.at >= 0]
    orders, lines = latest(Order, told), latest(OrderLine, told)
    return {
        "tables": tables,
        "events": {
            "without_person": sum(not source_key(event) for event in events),
            "before_start": sum(event.at < 0 for event in events),
        },
        "bots": {"events_by_brand": _counts(event.brand for event in bots)},
        "orders": _orders(orders, latest(Refund, told)),
        "memberships": _memberships(world, latest(Membership, told)),
        "source_keys": _source_keys(told, of_bots),
        "identity": _identity(latest(IdentityLink, told)),
        "traffic": daily_traffic(world, seen),
        "path_flow": path_flow(world, seen),
        "provinces": provinces(world, seen, orders, lines),
        "coupons": coupons(orders),
        "products": products(world),
        "targets": {"gmv_by_month": _gmv_by_month(world, latest(GmvTarget, told))},
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
    if isinstance(row, IdentityLink):
        return row.recorded_at
    return row.updated_at if isinstance(row, Order | Membership | GmvTarget) else 0


def _source_keys(told: Iterable[Delivery], of_bots: Collection[str]) -> dict[str, int]:
    """Keys on all rows, and how many of them stand on nothing but events of bots."""
    rows = [row for _, row in told if isinstance(row, Event | Order | Review | Membership)]
    seen = {source_key(row) for row in rows}
    without_bots = {
        source_key(row) for row in rows if not isinstance(row, Event) or row.event_id not in of_bots
    }
    return {"seen": len(seen - {""}), "of_bots_only": len(seen - without_bots)}


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items(), key=str)}


def _made_by_bots(world: World, events: Iterable[Event]) -> list[Event]:
    """Events of bots, which the user agent gives away, or else the number of events on a day."""
    named = {device.visitor for device in crawlers(world)}
    by_agent = [event for event in events if event.visitor in named]
    rest = [event for event in events if event.visitor and event.visitor not in named]
    per_day = Counter((event.visitor, event.at // DAY) for event in rest)
    return by_agent + [event for event in rest if per_day[event.visitor, event.at // DAY] > MANY]


def _identity(links: Iterable[IdentityLink]) -> dict[str, int]:
    """The links as they were last reported: sign-ins, and members who are one person."""
    counts = Counter((bool(link.visitor), link.withdrawn) for link in links)
    return {
        "sign_ins": counts[True, False],
        "sign_ins_withdrawn": counts[True, True],
        "member_links": counts[False, False],
        "member_links_withdrawn": counts[False, True],
    }


def _gmv_by_month(world: World, targets: Iterable[GmvTarget]) -> dict[str, str]:
    """Sums of the targets as they were last set."""
    months: dict[str, int] = Counter()
    for target in targets:
        months[world.date_of(target.first).isoformat()] += target.gmv
    return {month: money(gmv) for month, gmv in sorted(months.items())}


def _orders(orders: Sequence[Order], refunds: Sequence[Refund]) -> dict[str, Any]:
    paid = {order.order_id: order for order in orders if order.paid_at is not None}
    back: dict[str, int] = Counter()
    for refund in refunds:
        back[refund.order_id] += refund.amount
    full = [order for number, order in paid.items() if order.amount and back[number] >= order.amount]
    return {
        "paid": len(paid),
        "cancelled": sum(order.status == "cancelled" for order in orders),
        "without_person": sum(not source_key(order) for order in orders),
        "paid_amount": money(sum(order.amount for order in paid.values())),
        "fully_refunded": len(full),
        "fully_refunded_on_paid_day": sum(_refunded_at_once(order, refunds) for order in full),
    }


def _refunded_at_once(order: Order, refunds: Iterable[Refund]) -> bool:
    last = max(refund.at for refund in refunds if refund.order_id == order.order_id)
    return order.paid_at is not None and last // DAY == order.paid_at // DAY


def _memberships(world: World, memberships: Sequence[Membership]) -> dict[str, dict[str, int]]:
    """Source keys in each state at the end of the last day, by brand; links may make several one person's."""
    end = world.days * DAY
    on = {
        (row.state, row.brand, source_key(row))
        for row in memberships
        if row.joined_at < end and (row.left_at is None or row.left_at >= end)
    }
    states = sorted({state for state, _, _ in on})
    return {state: _counts(brand for found, brand, _ in on if found == state) for state in states}
