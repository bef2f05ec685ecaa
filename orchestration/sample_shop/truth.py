"""What a warehouse must find in the dumps, counted from the lives of the persons and never from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
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
)
from orchestration.sample_shop.tables import TABLES
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

    `distinct` counts entities and `duplicates` the rows beyond the first of each: copies and other versions.
    The source key of a row is its member, else its visitor.
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
    events, orders = latest(Event, told), latest(Order, told)
    bots = _made_by_bots(world, events)
    return {
        "tables": tables,
        "events": _events(events),
        "bots": _bots(bots),
        "orders": _orders(orders, latest(OrderLine, told), latest(Refund, told)),
        "reviews": {"by_rating": _counts(row.rating for row in latest(Review, told))},
        "memberships": _memberships(world, latest(Membership, told)),
        "source_keys": _source_keys(told, bots),
        "identity": _identity(events, latest(IdentityLink, told)),
        "targets": _targets(world, told),
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


def _source_key(row: Event | Order | Review | Membership) -> str:
    return row.member or row.visitor


def _source_keys(told: Iterable[Delivery], bots: Mapping[str, Sequence[Event]]) -> dict[str, int]:
    """Keys on all rows, and how many of them stand on nothing but events of bots."""
    of_bots = {event.event_id for events in bots.values() for event in events}
    rows = [row for _, row in told if isinstance(row, Event | Order | Review | Membership)]
    seen = {_source_key(row) for row in rows}
    without_bots = {
        _source_key(row) for row in rows if not isinstance(row, Event) or row.event_id not in of_bots
    }
    return {"seen": len(seen - {""}), "of_bots_only": len(seen - without_bots)}


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items(), key=str)}


def _events(events: Sequence[Event]) -> dict[str, Any]:
    return {
        "by_kind": _counts(event.kind for event in events),
        "by_brand": _counts(event.brand for event in events),
        "without_person": sum(not _source_key(event) for event in events),
        "before_start": sum(event.at < 0 for event in events),
    }


def _made_by_bots(world: World, events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events of bots by what gives them away: the user agent, or else the number of events on a day."""
    named = {device.visitor for device in crawlers(world)}
    rest = [event for event in events if event.visitor not in named]
    per_day = Counter((event.visitor, event.at // DAY) for event in rest if event.visitor)
    return {
        "agent": [event for event in events if event.visitor in named],
        "burst": [event for event in rest if per_day[event.visitor, event.at // DAY] > MANY],
    }


def _bots(bots: Mapping[str, Sequence[Event]]) -> dict[str, Any]:
    return {
        "events_by_rule": {rule: len(events) for rule, events in bots.items()},
        "events_by_brand": _counts(event.brand for events in bots.values() for event in events),
        "visitors_by_rule": {rule: len({event.visitor for event in events}) for rule, events in bots.items()},
        "burst_visitor_days": len({(event.visitor, event.at // DAY) for event in bots["burst"]}),
    }


def _identity(events: Iterable[Event], links: Sequence[IdentityLink]) -> dict[str, Any]:
    """The links as they were last reported, and what visitors and members they and the events join.

    `visitors_by_members` tells how many visitors had so many members sign in, by event or by link.
    """
    in_effect = [link for link in links if not link.withdrawn]
    sign_ins = [link for link in in_effect if link.visitor]
    same_person = [link for link in in_effect if link.other_member]
    signed_in = {(event.visitor, event.member) for event in events if event.visitor and event.member}
    signed_in |= {(link.visitor, link.member) for link in sign_ins}
    members = Counter(visitor for visitor, _ in signed_in)
    return {
        "sign_ins": len(sign_ins),
        "signed_out": sum(link.valid_to is not None for link in sign_ins),
        "sign_ins_withdrawn": sum(link.withdrawn and bool(link.visitor) for link in links),
        "member_links": len(same_person),
        "member_links_withdrawn": sum(link.withdrawn and bool(link.other_member) for link in links),
        "members_linked": len({name for link in same_person for name in (link.member, link.other_member)}),
        "visitors_by_members": _counts(members.values()),
    }


def _targets(world: World, told: Sequence[Delivery]) -> dict[str, Any]:
    """Targets as they were last set: how many, how many were changed, and their sum a month."""
    targets = latest(GmvTarget, told)
    versions = {(entity_key(row), row.updated_at) for _, row in told if isinstance(row, GmvTarget)}
    months: dict[str, int] = Counter()
    for target in targets:
        months[world.date_of(target.first).isoformat()] += target.gmv
    return {
        "set": len(targets),
        "corrected": len(versions) - len(targets),
        "gmv_by_month": {month: money(gmv) for month, gmv in sorted(months.items())},
    }


def _orders(orders: Sequence[Order], lines: Sequence[OrderLine], refunds: Sequence[Refund]) -> dict[str, Any]:
    paid = {order.order_id: order for order in orders if order.paid_at is not None}
    back: dict[str, int] = Counter()
    for refund in refunds:
        back[refund.order_id] += refund.amount
    full = {number for number, order in paid.items() if order.amount and back.get(number, 0) >= order.amount}
    bought = {number for number, order in paid.items() if order.amount}
    brands_of = Counter(number for number, _ in {(line.order_id, line.brand) for line in lines})
    return {
        "paid": len(paid),
        "zero_amount": len(paid) - len(bought),
        "cancelled": sum(order.status == "cancelled" for order in orders),
        "presale": sum(order.deposit > 0 for order in orders),
        "without_person": sum(not _source_key(order) for order in orders),
        "paid_amount": money(sum(order.amount for order in paid.values())),
        "refunded_amount": money(sum(back.values())),
        "refunds_without_order": sum(not refund.order_id for refund in refunds),
        "fully_refunded": len(full),
        "fully_refunded_on_paid_day": sum(_refunded_at_once(paid[number], refunds) for number in full),
        "partly_refunded": len({number for number in back if number} - full),
        "of_several_brands": sum(brands > 1 for brands in brands_of.values()),
        "paid_line_amount_by_brand": _line_amounts(lines, paid),
    }


def _refunded_at_once(order: Order, refunds: Iterable[Refund]) -> bool:
    last = max(refund.at for refund in refunds if refund.order_id == order.order_id)
    return order.paid_at is not None and last // DAY == order.paid_at // DAY


def _line_amounts(lines: Iterable[OrderLine], paid: Mapping[str, Order]) -> dict[str, str]:
    amounts: dict[str, int] = Counter()
    for line in lines:
        if line.order_id in paid:
            amounts[line.brand or "unbranded"] += line.amount
    return {brand: money(amount) for brand, amount in sorted(amounts.items())}


def _memberships(world: World, memberships: Sequence[Membership]) -> dict[str, dict[str, int]]:
    """Source keys in each state at the end of the last day, by brand; links may make several one person's."""
    end = world.days * DAY
    on = {
        (row.state, row.brand, _source_key(row))
        for row in memberships
        if row.joined_at < end and (row.left_at is None or row.left_at >= end)
    }
    states = sorted({state for state, _, _ in on})
    return {state: _counts(brand for found, brand, _ in on if found == state) for state in states}
