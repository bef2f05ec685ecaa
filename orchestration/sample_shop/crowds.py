"""Visitors that are not one person: shared devices, crawlers, and programs that pass for a browser."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sample_shop.links import sign_in
from orchestration.sample_shop.persons import Device, account, crawlers, device
from orchestration.sample_shop.rows import Delivery, Event, deliver, lateness
from orchestration.sample_shop.visits import product_views
from orchestration.sample_shop.world import DAY, HOUR, MINUTE, SECOND, Draws, World

# Tablets of two members each.
_TABLETS = 3
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
    draws = Draws(world.seed, "burst", number, day)
    program = device(world, "computer", "burst", number)
    count = draws.between(MANY + 50, MANY + 250)
    moments, session = _paced(day, count, draws), _session(world, "H", number, day)
    views = product_views(world, program, day, moments, session=session, draws=draws)
    for position, event in enumerate(views):
        yield from deliver(draws, event, event.at, late if position >= count - _LATE_EVENTS else 0)
    moments, session = _paced(day + 1, 12, draws), _session(world, "H", number, day + 1)
    for event in product_views(world, program, day + 1, moments, session=session, draws=draws):
        yield from deliver(draws, event, event.at)


def _paced(day: int, count: int, draws: Draws) -> list[int]:
    """As many moments of a day, evenly spaced, as a program has them."""
    begin, pace = day * DAY + draws.between(0, 2 * HOUR), draws.between(30 * SECOND, 55 * SECOND)
    return [begin + number * pace for number in range(count)]


def _session(world: World, kind: str, number: int, day: int) -> str:
    return f"S{world.date_of(day):%Y%m%d}{kind}{number}"


def shared_devices(world: World) -> Iterator[Delivery]:
    """Everything that the shared devices leave in the world's dumps."""
    for number in range(_TABLETS):
        owners = Draws(world.seed, "tablet", number)
        first = account(world, 0, owners)
        members = [first, account(world, 0, owners, other_than=first)]
        for day in range(world.days):
            draws = Draws(world.seed, "tablet", number, day)
            today = [draws.pick(members) for _ in range(draws.between(0, 2))]
            tablet = device(world, "computer", "tablet", number)
            yield from _used(world, tablet, f"T{number}", day, members=today, draws=draws)
    for day in range(world.days):
        draws = Draws(world.seed, "kiosk", day)
        today = [account(world, day, draws) for _ in range(draws.between(1, 4))]
        yield from _used(world, device(world, "computer", "kiosk"), "K0", day, members=today, draws=draws)


def _used(
    world: World, used: Device, name: str, day: int, *, members: list[str], draws: Draws
) -> Iterator[Delivery]:
    """One use by each member, one after the other: pages before the sign-in, within it and after it.

    Some forget to sign out, so that sign-ins overlap; an empty `member` stands for a passer-by without one.
    """
    for number, member in enumerate(members):
        use = f"{world.date_of(day):%Y%m%d}{name}{number}"
        begin = day * DAY + (10 + 3 * number) * HOUR + draws.between(0, HOUR)
        pace = draws.between(20 * SECOND, 90 * SECOND)
        moments = range(begin, begin + 6 * pace, pace)
        views = product_views(world, used, day, moments, session=f"S{use}", draws=draws)
        yield from _told(tuple(views), member, f"L{use}", draws)


def _told(views: tuple[Event, ...], member: str, link_id: str, draws: Draws) -> Iterator[Delivery]:
    first, last, late = draws.between(0, 2), draws.between(3, len(views)), lateness(draws, 0.03)
    carried = bool(member) and draws.chance(0.3)
    for position, view in enumerate(views):
        event = view._replace(member=member) if carried and first <= position < last else view
        yield from deliver(draws, event, event.at, late)
    if member:
        end: int | None = views[last - 1].at + SECOND
        if draws.chance(0.25):
            end = draws.weighted(((views[-1].at + DAY + 30 * MINUTE, 0.7), (None, 0.3)))
        begin = views[first].at
        yield from sign_in(link_id, views[0].visitor, member, begin=begin, end=end, draws=draws)
