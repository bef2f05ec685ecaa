"""The shop's year: how busy a day is, which campaign runs, and what each brand is to take in a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from orchestration.sample_shop.rows import Campaign, Delivery, GmvTarget, deliver
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, Draws, World

_DOUBLE_ELEVEN = ((10, 24), (11, 11))
# What a person brings a brand on an ordinary day, in fen.
_PER_PERSON_DAY = 170
# Targets are whole hundreds of CNY.
_ROUND = 100_00


def busyness(day: date) -> float:
    """Traffic of a day as a multiple of an ordinary one, peaking on 11 November."""
    weekend = 1.15 if day.weekday() >= 5 else 1.0
    month_day = (day.month, day.day)
    if month_day == (11, 11):
        return 4.0
    if month_day == (11, 10):
        return 1.8
    if month_day == (10, 24):
        return 1.8 * weekend
    if (10, 24) < month_day < (11, 11):
        return 1.3 * weekend
    if (11, 11) < month_day < (11, 17):
        return 0.7
    return 1.25 * weekend if 8 <= day.day <= 10 else weekend


def is_presale(day: date) -> bool:
    """Whether the autumn presale takes deposits on that day."""
    return (10, 24) <= (day.month, day.day) <= (10, 31)


def discount(day: date) -> int:
    """Percent of the list price that a buyer pays."""
    if (day.month, day.day) == (11, 11) or is_presale(day):
        return 75
    return 90 if 8 <= day.day <= 10 else 100


def campaign_id(brand: str, day: date) -> str:
    """The brand's campaign that runs on that day, or an empty string."""
    if _DOUBLE_ELEVEN[0] <= (day.month, day.day) <= _DOUBLE_ELEVEN[1]:
        return f"{brand}-double11-{day.year}"
    return f"{brand}-clubdays-{day:%Y%m}" if 8 <= day.day <= 10 else ""


def campaigns(world: World) -> Iterator[Delivery]:
    """Each campaign, announced in the dump of its first day (those already running: in the first dump)."""
    for brand in BRANDS:
        seen = ""
        for day in range(world.days):
            running = campaign_id(brand, world.date_of(day))
            if running and running != seen:
                yield Delivery(day, _campaign(world, brand, running, world.date_of(day)))
            seen = running


def _campaign(world: World, brand: str, running: str, day: date) -> Campaign:
    is_sale = "double11" in running
    name, ends = ("双11", _DOUBLE_ELEVEN) if is_sale else ("会员日", ((day.month, 8), (day.month, 10)))
    first, last = ((date(day.year, *month_day) - world.start).days for month_day in ends)
    # One brand compares its sale with days of its own choice: four weeks before, not three.
    declares = is_sale and brand == BRANDS[1]
    goal = _usual(world, first, last + 1) * 2 // _ROUND * _ROUND
    return Campaign(
        campaign_id=running,
        brand=brand,
        name=f"{name} {brand.title()}",
        kind="sale" if is_sale else "club",
        warm_up_from=first - 4 if is_sale else None,
        starts=first,
        ends=last,
        baseline_from=first - 28 if declares else None,
        baseline_to=last - 28 if declares else None,
        goal_metric="paid_amount",
        goal_value=goal,
        budget=goal // 20,
        planned_reach=world.persons * (2 if is_sale else 1) // 4,
    )


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
    wanted = _usual(world, first, end) * Draws(world.seed, "target", brand, month).between(95, 130) // 100
    return GmvTarget(day * DAY + 9 * HOUR, brand, first, end - 1, max(wanted // _ROUND, 1) * _ROUND)


def _usual(world: World, first: int, end: int) -> int:
    """What a brand takes from one day until before another."""
    return int(
        sum(busyness(world.date_of(one)) for one in range(first, end)) * _PER_PERSON_DAY * world.persons
    )


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
