"""Traffic and trade of the sample shop's brands, from its dumps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from oracle.report_periods import Campaign
from oracle.sales import Catalogue, Line, Order, Refund, backs, placed, sales
from oracle.sample_shop import NOBODY, Shop
from oracle.scorecard import Brand, Capabilities, Rated
from oracle.visits import Event, Visit, acts, visit_table

HOME = "sample_shop_unbranded"
PHONES = ("android", "iphone", "ipad", "ios", "mobile", "harmony", "okhttp", "cfnetwork", "dalvik")


def brands(
    shop: Shop, names: Iterable[str], first_day: date, horizon: date
) -> tuple[dict[str, Brand], dict[str, list[Campaign]], list[Visit]]:
    """Each brand, its campaigns, and the visits of all."""
    seen = acts(_events(shop))
    visits = visit_table(seen)
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in shop.lines:
        money = (line.list_amount, line.cost_amount)
        told_line = (line.line_id, line.brand, line.amount, line.product, line.quantity, line.kind, *money)
        lines[line.order_id].append(Line(*told_line))
    orders = {key: _order(shop, str(key), lines[str(key)]) for key in shop.orders}
    found = {name: _brand(shop, first_day, horizon) for name in {*names, HOME}}
    for act in seen:
        found[act.event.brand].acts.append(act)
    of_day: dict[object, list[Visit]] = defaultdict(list)
    for visit in visits:
        of_day[visit.person, visit.day].append(visit)
    for order in orders.values():
        around = of_day[order.person, order.created_at.date()]
        for sale in sales(order, HOME, around):
            found[sale.brand].sales.append(sale)
        for one in placed(order, HOME, around):
            found[one.brand].placed.append(one)
    for row in shop.refunds:
        refunded = orders.get(row.order_id)
        around = of_day[refunded.person, refunded.created_at.date()] if refunded else []
        told = (refunded, row.line_id, row.at.date(), row.amount, row.currency, row.reason)
        for back in backs(Refund(row.refund_id, *told), HOME, around):
            found[back.brand].backs.append(back)
    for review in shop.reviews:
        reviewed = orders.get(review.order_id)
        person = shop.person(review.keys, review.at)
        if review.keys == NOBODY and reviewed:
            person = reviewed.person
        rated = Rated(
            *(review.at.date(), person, review.rating or 0, review.product),
            reviewed.region if reviewed else None,
        )
        found[review.brand].reviews.append(rated)
    campaigns: dict[str, list[Campaign]] = defaultdict(list)
    for told_of in shop.campaigns:
        days = (told_of.warm_up, told_of.baseline_from, told_of.baseline_to)
        campaign = Campaign(told_of.campaign_id, told_of.starts, told_of.ends, *days)
        campaigns[told_of.brand].append(campaign)
    for name, brand in found.items():
        links = any(back.order for back in brand.backs)
        brand.tells = replace(brand.tells, refund_links=links)
        brand.products = [str(key) for key, product in shop.products.items() if product.brand == name]
    return found, dict(campaigns), visits


def _events(shop: Shop) -> Iterable[Event]:
    for row in shop.events:
        yield Event(
            *(row.event_id, row.brand, row.at, row.kind, shop.person(row.keys, row.at)),
            *(*row.keys, row.session, row.product, row.page_class),
            row.device or device_of(row.user_agent),
            *(row.region, row.channel, row.campaign),
        )


def device_of(user_agent: str) -> str | None:
    """What a user agent tells of a device; None without one."""
    agent = user_agent.lower()
    is_phone = any(word in agent for word in PHONES)
    if agent.startswith(("mozilla/", "opera/")):
        return "mobile_web" if is_phone else "desktop"
    return "app" if is_phone else "other" if agent else None


def _order(shop: Shop, order_id: str, lines: list[Line]) -> Order:
    row = shop.orders[order_id]
    return Order(
        *(order_id, shop.person(row.keys, row.created_at), row.created_at),
        row.paid_at if row.is_purchase else None,
        *(row.amount, row.currency, lines),
        *(row.device, row.channel, row.campaign, row.region, row.discount, row.coupon),
    )


def _brand(shop: Shop, first_day: date, horizon: date) -> Brand:
    listed = {str(key): product.listed for key, product in shop.products.items()}
    delisted = {str(key): product.delisted for key, product in shop.products.items()}
    return Brand(
        *("CNY", first_day, horizon),
        catalogue=Catalogue(
            {str(key): product.category for key, product in shop.products.items() if product.category},
            {key: day for key, day in listed.items() if day},
            {key: day for key, day in delisted.items() if day},
            {str(key): parent for key, parent in shop.parents.items()},
        ),
        tells=Capabilities(
            events=bool(shop.events),
            reviews=bool(shop.reviews),
            refunds=bool(shop.refunds),
            prices=any(order.amount is not None for order in shop.orders.values()),
            costs=any(line.cost_amount is not None for line in shop.lines),
            list_amounts=any(line.list_amount is not None for line in shop.lines),
            discounts=any(order.discount is not None for order in shop.orders.values())
            or any(line.list_amount is not None for line in shop.lines),
            benefits=any(order.coupon is not None for order in shop.orders.values()),
            listing=any(product.listed for product in shop.products.values()),
        ),
    )
