"""Visitors that are no consumers: crawlers that say so, and programs that pass for a browser."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sample_shop.devices import Device, computer, crawlers
from orchestration.sample_shop.draws import Draws
from orchestration.sample_shop.rows import Delivery, deliver
from orchestration.sample_shop.visits import product_views
from orchestration.sample_shop.world import DAY, HOUR, SECOND, World

# More events of one visitor on one business day than a person makes.
MANY = 1000
# Of the second burst so many events come late that at first it passes for a person.
_LATE_EVENTS = 300


def bots(world: World) -> Iterator[Delivery]:
    """Everything that programs leave in the world's dumps."""
    for number, crawler in enumerate(crawlers(world)):
        for day in range(world.days):
            yield from _crawled(world, crawler, number, day)
    yield from _burst(world, 0, Draws(world.seed, "burst", 0).between(1, 3), late=0)
    yield from _burst(world, 1, Draws(world.seed, "burst", 1).between(5, 9), late=2)


def _crawled(world: World, crawler: Device, number: int, day: int) -> Iterator[Delivery]:
    draws = Draws(world.seed, "crawl", number, day)
    if draws.chance(0.3):
        return
    moments = _paced(day, draws.between(20, 80), draws)
    session = _session(world, "B", number, day)
    for event in product_views(world, crawler, day, moments, session=session, draws=draws):
        yield from deliver(draws, event, event.at)


def _burst(world: World, number: int, day: int, late: int) -> Iterator[Delivery]:
    """Far too much for a person on one day, and a person's share on the next."""
    draws, device = Draws(world.seed, "burst", number, day), computer(world, "burst", number)
    count = draws.between(MANY + 50, MANY + 250)
    moments, session = _paced(day, count, draws), _session(world, "H", number, day)
    views = product_views(world, device, day, moments, session=session, draws=draws)
    for position, event in enumerate(views):
        yield from deliver(draws, event, event.at, late if position >= count - _LATE_EVENTS else 0)
    moments, session = _paced(day + 1, 12, draws), _session(world, "H", number, day + 1)
    for event in product_views(world, device, day + 1, moments, session=session, draws=draws):
        yield from deliver(draws, event, event.at)


def _paced(day: int, count: int, draws: Draws) -> list[int]:
    """As many moments of a day, evenly spaced, as a program has them."""
    begin, pace = day * DAY + draws.between(0, 2 * HOUR), draws.between(30 * SECOND, 55 * SECOND)
    return [begin + number * pace for number in range(count)]


def _session(world: World, kind: str, number: int, day: int) -> str:
    return f"S{world.date_of(day):%Y%m%d}{kind}{number}"
