"""What each brand is to take in a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from orchestration.sample_shop.calendar import busyness
from orchestration.sample_shop.draws import Draws
from orchestration.sample_shop.rows import Delivery, GmvTarget, deliver
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, World

# What a person brings a brand on an ordinary day, in fen.
_PER_PERSON_DAY = 170
# Targets are whole hundreds of CNY.
_ROUND = 100_00


def targets(world: World) -> Iterator[Delivery]:
    """A target for each brand and month, set when the month before begins, so that the month after the last
    day always has one; the first dump has those of the running month too. One is corrected soon after."""
    for day in range(world.days):
        month = world.date_of(day).replace(day=1)
        if day == 0:
            yield from _set(world, month, day)
        if day == 0 or world.date_of(day) == month:
            yield from _set(world, _next(month), day)
    draws = Draws(world.seed, "target corrected")
    former = _target(world, draws.pick(BRANDS), _next(world.start.replace(day=1)), 0)
    moment = draws.between(3, 9) * DAY + 16 * HOUR
    gmv = former.gmv + max(former.gmv // 10, _ROUND)
    yield from deliver(draws, former._replace(updated_at=moment, gmv=gmv), moment)


def _set(world: World, month: date, day: int) -> Iterator[Delivery]:
    for brand in BRANDS:
        target = _target(world, brand, month, day)
        yield from deliver(Draws(world.seed, "target set", brand, month), target, target.updated_at)


def _target(world: World, brand: str, month: date, day: int) -> GmvTarget:
    first, end = (month - world.start).days, (_next(month) - world.start).days
    usual = sum(busyness(world.date_of(one)) for one in range(first, end)) * _PER_PERSON_DAY * world.persons
    wanted = int(usual) * Draws(world.seed, "target", brand, month).between(95, 130) // 100
    return GmvTarget(day * DAY + 9 * HOUR, brand, first, end - 1, max(wanted // _ROUND, 1) * _ROUND)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
