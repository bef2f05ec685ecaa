"""A person's whole life with the shop, as the rows that it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sample_shop import calendar
from orchestration.sample_shop.clubs import clubs
from orchestration.sample_shop.links import sign_ins
from orchestration.sample_shop.persons import person
from orchestration.sample_shop.purchases import purchase
from orchestration.sample_shop.rows import Delivery, Event, deliver, lateness
from orchestration.sample_shop.visits import Visit, ads, visit
from orchestration.sample_shop.world import Draws, World

# Days told before the first business day: only their late events still reach a dump.
_BEFORE = 14


def life(world: World, number: int) -> list[Delivery]:
    """Everything that person `number` leaves in the world's dumps.

    Each day draws from hashes of its own, so days that are added to a world change nothing that came before.
    """
    who = person(world, number)
    told: list[Delivery] = []
    visits: list[Visit] = []
    paid: list[tuple[str, int]] = []
    for day in range(max(-_BEFORE, who.first_day), min(world.days, who.last_day)):
        draws = Draws(world.seed, "day", number, day)
        busyness = calendar.busyness(world.date_of(day))
        if draws.chance(min(who.activity * busyness, 0.9)):
            today = [visit(world, who, day, one, draws) for one in range(2 if draws.chance(0.12) else 1)]
            for one in today:
                told += _delivered(one.events, draws, one.around_cart)
            if day >= 0:
                visits += today
        elif draws.chance(who.exposure * busyness):
            told += _delivered(tuple(ads(world, who, day, draws)), draws)
    for one in visits:
        if one.basket:
            deliveries, paid_at = purchase(world, who, one)
            told += deliveries
            if paid_at is not None:
                paid.append((one.brand, paid_at))
    told += clubs(world, who, visits, paid)
    told += sign_ins(world, who, visits)
    return [delivery for delivery in told if 0 <= delivery.load < world.days]


def _delivered(
    events: tuple[Event, ...], draws: Draws, around_cart: tuple[Event, ...] = ()
) -> Iterator[Delivery]:
    """An app that was offline sends its whole visit late."""
    late = lateness(draws, 0.03)
    for event in events:
        yield from deliver(draws, event, event.at, late)
    for event in around_cart:
        yield from deliver(Draws(event.event_id), event, event.at, late)
