"""Members, followers and subscribers of a brand: joining, rising in tier, leaving, joining again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence

from orchestration.sample_shop.persons import Person
from orchestration.sample_shop.rows import Delivery, Membership, deliver, lateness
from orchestration.sample_shop.visits import Visit
from orchestration.sample_shop.world import BRANDS, DAY, HOUR, MINUTE, Draws, World

# Chance of joining at the end of a visit, and at the end of a visit with an order.
_JOINING = {"member": (0.02, 0.3), "follower": (0.025, 0.05), "subscriber": (0.004, 0.02)}
_TIER_AFTER = {2: 2, 4: 3, 8: 4}


def clubs(
    world: World, person: Person, visits: Sequence[Visit], paid: Sequence[tuple[str, int]]
) -> Iterator[Delivery]:
    """All states of the person's memberships; `paid` are (brand, moment) of the orders, in any order."""
    for brand in BRANDS:
        own = [visit for visit in visits if visit.brand == brand]
        moments = sorted(moment for paid_brand, moment in paid if paid_brand == brand)
        for state in _JOINING:
            after = own
            draws = Draws(world.seed, "club", person.number, brand, state)
            founded = _founding(person, brand, state, draws)
            if founded is not None:
                left_at = yield from _told(founded, moments, draws)
                after = [visit for visit in own if left_at is not None and visit.ended_at >= left_at]
            yield from _joined_on_visits(world, person, state, after, moments)


def _joined_on_visits(
    world: World, person: Person, state: str, visits: Iterable[Visit], paid: Sequence[int]
) -> Iterator[Delivery]:
    """Memberships that begin at the end of a visit; a new one only after the former has ended."""
    free_from: int | None = None
    for visit in visits:
        if free_from is not None and visit.ended_at < free_from:
            continue
        draws = Draws(world.seed, "joining", person.number, state, visit.day, visit.number)
        if (state == "member" and not visit.member) or not draws.chance(_JOINING[state][bool(visit.basket)]):
            continue
        moment = visit.ended_at + draws.between(1, 10) * MINUTE
        joined = Membership(
            updated_at=moment,
            membership_id=f"C{world.date_of(visit.day):%Y%m%d}{person.number:05d}{visit.number}-{state}",
            brand=visit.brand,
            visitor=visit.visitor,
            member=visit.member,
            state=state,
            tier=1 if state == "member" else None,
            joined_at=moment,
            left_at=None,
        )
        free_from = yield from _told(joined, paid, draws)
        if free_from is None:
            return


def _founding(person: Person, brand: str, state: str, draws: Draws) -> Membership | None:
    """A membership of the favourite brand that is older than the feed; the first dump carries it."""
    if not person.has_account(-1) or brand != person.affinity[0][0] or not draws.chance(0.25):
        return None
    if state == "subscriber":
        return None
    moment = -draws.between(2, 700) * DAY + 15 * HOUR
    membership_id, tier = f"C0{person.number:05d}-{state}", draws.between(1, 3) if state == "member" else None
    return Membership(moment, membership_id, brand, "", person.member_id, state, tier, moment, None)


def _told(joined: Membership, paid: Sequence[int], draws: Draws) -> Generator[Delivery, None, int | None]:
    """Deliver every state of one membership; returns when it ended, None if never."""
    begin = max(joined.joined_at, 0)
    left_at = begin + draws.between(1, 60) * DAY + draws.between(0, 4 * HOUR) if draws.chance(0.15) else None
    yield from deliver(draws, joined, begin, lateness(draws, 0.01))
    state = joined
    if joined.tier is not None:
        later = [moment for moment in paid if moment >= begin and (left_at is None or moment < left_at)]
        for count, moment in enumerate(later, start=1):
            tier = _TIER_AFTER.get(count, 0)
            if tier > (state.tier or 0):
                state = state._replace(updated_at=moment + MINUTE, tier=tier)
                yield from deliver(draws, state, state.updated_at, lateness(draws, 0.01))
    if left_at is not None:
        left = state._replace(updated_at=max(left_at, state.updated_at + MINUTE), left_at=left_at)
        yield from deliver(draws, left, left.updated_at, lateness(draws, 0.01))
    return left_at
