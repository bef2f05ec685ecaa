"""Visitors that are not one person: shared devices, crawlers, and programs that pass for a browser."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sample_shop.links import sign_in
from orchestration.sample_shop.persons import SHOP_PROVINCE, Device, account, crawlers, device
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
            draws = Draws(world.seed, "crawl", number, day)
            if not draws.chance(0.3):
                count = draws.between(20, 80)
                yield from _opened_by(crawler, world, f"B{number}", day, count=count, draws=draws)
    for number, days, late in ((0, (1, 3), 0), (1, (5, 9), 2)):
        day, program = Draws(world.seed, "burst", number).between(*days), f"H{number}"
        draws, browser = Draws(world.seed, "burst", number, day), device(world, "computer", "burst", number)
        # Far too much for a person on one day, and a person's share on the next.
        count = draws.between(MANY + 50, MANY + 250)
        yield from _opened_by(browser, world, program, day, count=count, draws=draws, late=late)
        yield from _opened_by(browser, world, program, day + 1, count=12, draws=draws)


def _opened_by(
    program: Device, world: World, name: str, day: int, *, count: int, draws: Draws, late: int = 0
) -> Iterator[Delivery]:
    """Product pages of a day, evenly spaced as a program opens them; the last ones come `late` days late."""
    begin, pace = day * DAY + draws.between(0, 2 * HOUR), draws.between(30 * SECOND, 55 * SECOND)
    moments = range(begin, begin + count * pace, pace)
    session = f"S{world.date_of(day):%Y%m%d}{name}"
    views = product_views(world, program, day, moments, session=session, region="", draws=draws)
    for position, event in enumerate(views):
        yield from deliver(draws, event, event.at, late if position >= count - _LATE_EVENTS else 0)


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
        views = product_views(world, used, day, moments, session=f"S{use}", region=SHOP_PROVINCE, draws=draws)
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
