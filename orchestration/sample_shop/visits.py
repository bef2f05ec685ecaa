"""What a person does in the shop: ads seen, visits, and the basket that a visit ends with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from orchestration.sample_shop import calendar
from orchestration.sample_shop.catalogue import in_stock, on_sale
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
# Pages outside campaigns that are neither a home nor a product's.
_PAGES = (("category", 0.5), ("content", 0.2), ("other", 0.2), ("member", 0.1))
_PAGE_OF_KIND = {"home_view": "home", "category_search": "search", "brand_search": "search"}
_ON_A_PRODUCT = (("favorite", 0.07), ("interaction", 0.06), ("benefit_claim", 0.04), ("share", 0.012))


class Step(NamedTuple):
    """One action of a visit, before it has a time and a person."""

    kind: str
    brand: str
    product: str = ""


@dataclass(frozen=True)
class Visit:
    """One visit: who it was at the end, when it ended, what was seen, and the basket to be ordered.

    `around_cart` is what was seen and done with the cart, between the other events.
    """

    events: tuple[Event, ...]
    around_cart: tuple[Event, ...]
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
            device=person.devices[0].kind,
            region=person.province,
        )


def visit(world: World, person: Person, day: int, number: int, draws: Draws) -> Visit:
    """The person's `number`-th visit of a day (0 or 1)."""
    today, brand, channel = world.date_of(day), draws.weighted(person.affinity), draws.weighted(_CHANNELS)
    busy = calendar.busyness(today) > 1.5
    steps = list(_entry(channel, brand, draws))
    basket: list[Product] = []
    if not draws.chance(0.35):
        browsed, basket = _browse(world, brand, day, busy, draws)
        steps += browsed
    device, signed_in = draws.pick(person.devices), _sign_in(person, day, len(steps), bool(basket), draws)
    hidden = draws.chance(0.01)  # tracking refused: neither visitor nor member is recorded
    campaign = calendar.campaign_id(brand, today) if channel == "ads" or draws.chance(0.3) else ""
    session = f"S{today:%Y%m%d}{person.number:05d}{number}"
    pages = Draws(world.seed, "pages", person.number, day, number)
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
                page=_page(step, today, pages),
                device=device.kind,
                region=person.province,
            )
        )
    around_cart = tuple(_around_cart(events, bool(basket), pages))
    member = person.member_id if signed_in < len(steps) else ""
    return Visit(
        tuple(events), around_cart, brand, day, number, device.visitor, member, moment, tuple(basket)
    )


def product_views(
    world: World,
    device: Device,
    day: int,
    moments: Iterable[int],
    *,
    session: str,
    region: str,
    draws: Draws,
) -> Iterator[Event]:
    """A product page at each moment of a day, opened by nobody who is signed in; it tells no class."""
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
            device=device.kind,
            region=region,
        )


def page_after(event: Event, page: str, moment: int) -> Event:
    """The cart, checkout or paid page that the visit comes to at a moment after an event."""
    event_id = f"{event.event_id}-{page}"
    return event._replace(at=moment, event_id=event_id, kind="page_view", product="", page=page)


def _page(step: Step, today: date, pages: Draws) -> str:
    """The class of the page that a step is about; ads are on pages of others."""
    if step.kind != "page_view":
        return "product" if step.product else _PAGE_OF_KIND.get(step.kind, "")
    if calendar.campaign_id(step.brand, today) and pages.chance(0.7):
        return "activity"
    return pages.weighted(_PAGES)


def _around_cart(events: Sequence[Event], buys: bool, pages: Draws) -> Iterator[Event]:
    """The cart, seen after the last thing that was put into it; of a visit that buys nothing, what was taken
    out again. Nothing else happens in the two seconds after an event."""
    added = [event for event in events if event.kind == "add_to_cart"]
    for event in added:
        if not buys and pages.chance(0.14):
            event_id, moment = f"{event.event_id}-removed", event.at + 3 * SECOND // 2
            yield event._replace(at=moment, event_id=event_id, kind="remove_from_cart")
    yield from (page_after(event, "cart", event.at + SECOND) for event in added[-1:])


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
        wanted = in_stock(world, product, day)
        if draws.chance(0.22 if busy else 0.14) and wanted not in cart:
            steps.append(Step("add_to_cart", seen_brand, wanted.product_id))
            cart.append(wanted)
    buys = bool(cart) and draws.chance(0.55 if busy else 0.4)
    return steps, cart if buys else []
