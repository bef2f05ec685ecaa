"""The truth of trade: who looked and bought where, what coupons gave, and what happened to products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from orchestration.sample_shop.catalogue import given_up, shortage, successor
from orchestration.sample_shop.rows import Event, Order, OrderLine, money, source_key
from orchestration.sample_shop.traffic import is_view
from orchestration.sample_shop.world import BRANDS, DAY, World


def provinces(
    world: World, events: Iterable[Event], orders: Iterable[Order], lines: Iterable[OrderLine]
) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """By brand, month and province: distinct source keys that viewed, and that paid for more than a gift."""
    found: dict[tuple[str, str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for event in events:
        if is_view(event):
            found[event.brand, _month(world, event.at), event.region][0].add(source_key(event))
    bought: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.amount:
            bought[line.order_id].add(line.brand)
    for order in orders:
        if order.paid_at is not None:
            for brand in bought[order.order_id] & set(BRANDS):
                found[brand, _month(world, order.paid_at), order.region][1].add(source_key(order))
    told: dict[str, dict[str, dict[str, dict[str, int]]]] = defaultdict(lambda: defaultdict(dict))
    for (brand, month, province), (viewers, payers) in sorted(found.items()):
        counts = {"visitors": len(viewers - {""}), "buyers": len(payers - {""})}
        told[brand][month][province or "(none)"] = counts
    return {brand: dict(months) for brand, months in told.items()}


def coupons(orders: Sequence[Order]) -> dict[str, Any]:
    """Purchases with a coupon, what the coupons gave, and all discounts of all purchases."""
    paid = [order for order in orders if order.paid_at is not None and order.amount]
    return {
        "orders": sum(order.coupon > 0 for order in paid),
        "coupon_amount": money(sum(order.coupon for order in paid)),
        "discount_amount": money(sum(order.discount for order in paid)),
    }


def products(world: World) -> dict[str, Any]:
    """The product that is given up, the one that takes its place, and the week without the best seller."""
    former, taken_up, short = given_up(world), successor(world), shortage(world)
    return {
        "delisted": {
            "product_id": former.product_id,
            "category_id": former.category,
            "delisted_on": world.date_of(taken_up.listed - 1).isoformat(),
        },
        "listed": {
            "product_id": taken_up.product_id,
            "category_id": taken_up.category,
            "listed_on": world.date_of(taken_up.listed).isoformat(),
        },
        "out_of_stock": {
            "product_id": short.product.product_id,
            "instead": short.instead.product_id,
            "from": world.date_of(short.first + 1).isoformat(),
            "to": world.date_of(short.last).isoformat(),
        },
    }


def _month(world: World, moment: int) -> str:
    return world.date_of(moment // DAY).replace(day=1).isoformat()
