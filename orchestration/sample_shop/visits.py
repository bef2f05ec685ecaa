"""What a person does in the shop: ads seen, visits, and the basket that a visit ends with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from orchestration.sample_shop import calendar
from orchestration.sample_shop.catalogue import on_sale
from orchestration.sample_shop.persons import Device, Person
from orchestration.sample_shop.rows import Event, Product
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, MINUTE, SECOND, Draws, World

_CHANNELS = (("app", 0.4), ("search", 0.25), ("ads", 0.2), ("social", 0.15))
_HOURS = (
    *((hour, 0.01) for hour in range(7)),
    *((hour, 0.05) for hour in range(7, 19)),
    *((hour, 0.08) for hour in (19, 20, 21)),
    (22, 0.06),
    (23, 0.03),
)
_ON_A_PRODUCT = (("favorite", 0.07), ("interaction", 0.06), ("benefit_claim", 0.04), ("share", 0.012))


class Step(NamedTuple):
    """One action of a visit, before it has a time and a person."""

    kind: str
    brand: str
    product: str = ""


@dataclass(frozen=True)
class Visit:
    """One visit: who it was at the end, when it ended, what was seen, and the basket to be ordered."""

    events: tuple[Event, ...]
    brand: str
    day: int
    number: int
    visitor: str
    member: str
    ended_at: int
    basket: tuple[Product, ...]


def ads(world: World, person: Person, day: int, draws: Draws) -> Iterator[Event]:
    """Ads seen somewhere else on a day without a visit."""
    brand, moment = draws.weighted(person.affinity), _start(draws, day)
    for number in range(draws.between(1, 3)):
        campaign = calendar.campaign_id(brand, world.date_of(day))
        yield Event(
            at=moment + number * draws.between(5, 90) * MINUTE,
            event_id=_event_id(world, person, day, number),
            brand=brand,
            visitor=person.devices[0].visitor,
            member="",
            kind="ad_impression",
            campaign=campaign,
            channel="ads",
            agent=person.devices[0].agent,
        )


def visit(world: World, person: Person, day: int, number: int, draws: Draws) -> Visit:
    """The person's `number`-th visit of a day (0 or 1)."""
    date, brand, channel = world.date_of(day), draws.weighted(person.affinity), draws.weighted(_CHANNELS)
    busy = calendar.busyness(date) > 1.5
    steps = list(_entry(channel, brand, draws))
    basket: list[Product] = []
    if not draws.chance(0.35):
        browsed, basket = _browse(world, brand, day, busy, draws)
        steps += browsed
    device, signed_in = draws.pick(person.devices), _sign_in(person, day, len(steps), bool(basket), draws)
    hidden = draws.chance(0.01)  # tracking refused: neither visitor nor member is recorded
    campaign = calendar.campaign_id(brand, date) if channel == "ads" or draws.chance(0.3) else ""
    session = f"S{date:%Y%m%d}{person.number:05d}{number}"
    moment, events = _start(draws, day), []
    for position, step in enumerate(steps):
        moment += draws.between(2 * SECOND, 150 * SECOND)
        events.append(
            Event(
                at=moment,
                event_id=_event_id(world, person, day, 100 * (number + 1) + position),
                brand=step.brand,
                visitor="" if hidden else device.visitor,
                member=person.member_id if signed_in <= position and not hidden else "",
                kind=step.kind,
                product=step.product,
                campaign=campaign,
                channel=channel,
                session=session,
                agent=device.agent,
            )
        )
    member = person.member_id if signed_in < len(steps) else ""
    return Visit(tuple(events), brand, day, number, device.visitor, member, moment, tuple(basket))


def product_views(
    world: World, device: Device, day: int, moments: Iterable[int], *, session: str, draws: Draws
) -> Iterator[Event]:
    """A product page at each moment of a day, opened by nobody who is signed in."""
    for number, moment in enumerate(moments):
        brand = draws.pick(BRANDS)
        yield Event(
            at=moment,
            event_id=f"E{session[1:]}{number:04d}",
            brand=brand,
            visitor=device.visitor,
            member="",
            kind="product_view",
            product=draws.pick(on_sale(world, brand, day)).product_id,
            session=session,
            agent=device.agent,
        )


def _start(draws: Draws, day: int) -> int:
    return day * DAY + draws.weighted(_HOURS) * HOUR + draws.between(0, HOUR - 1)


def _event_id(world: World, person: Person, day: int, number: int) -> str:
    return f"E{world.date_of(day):%Y%m%d}{person.number:05d}{number:03d}"


def _sign_in(person: Person, day: int, steps: int, buys: bool, draws: Draws) -> int:
    """The position of the first step that is signed in; `steps` for a visit that stays a guest's."""
    if not person.has_account(day):
        return steps
    if day != person.account_day and draws.chance(0.7):
        return 0
    return draws.between(0, steps - 1) if buys or draws.chance(0.4) else steps


def _entry(channel: str, brand: str, draws: Draws) -> Iterator[Step]:
    if channel == "ads":
        yield Step("ad_impression", brand)
        yield Step("ad_click", brand)
    elif channel == "search":
        yield Step("brand_search" if draws.chance(0.4) else "category_search", brand)
    elif channel == "app":
        yield Step("home_view" if draws.chance(0.5) else "page_view", brand)
    else:
        yield Step("page_view", brand)


def _browse(world: World, brand: str, day: int, busy: bool, draws: Draws) -> tuple[list[Step], list[Product]]:
    """The product pages of a visit with what is done on them, and the products that are then bought."""
    steps: list[Step] = []
    cart: list[Product] = []
    for _ in range(draws.between(1, 6)):
        seen_brand = brand if draws.chance(0.94) else draws.pick(BRANDS)
        skewed, offered = draws.unit(), on_sale(world, seen_brand, day)
        product = offered[int(skewed * skewed * len(offered))]
        steps.append(Step("product_view", seen_brand, product.product_id))
        for kind, share in _ON_A_PRODUCT:
            if draws.chance(share):
                steps.append(Step(kind, seen_brand, product.product_id))
        if draws.chance(0.22 if busy else 0.14) and product not in cart:
            steps.append(Step("add_to_cart", seen_brand, product.product_id))
            cart.append(product)
    buys = bool(cart) and draws.chance(0.55 if busy else 0.4)
    return steps, cart if buys else []
