"""What the account service knows of who is who: sign-ins on devices, and accounts of one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestration.sample_shop.persons import Person, account
from orchestration.sample_shop.rows import Delivery, IdentityLink, deliver, lateness
from orchestration.sample_shop.visits import Visit
from orchestration.sample_shop.world import DAY, HOUR, MINUTE, SECOND, Draws, World


def sign_ins(world: World, person: Person, visits: Iterable[Visit]) -> Iterator[Delivery]:
    """The person's sign-ins that the account service reports: a few, since most show in the events alone.

    Where no event of the visit carries the account, the report is the only sign of it.
    """
    for visit in visits:
        draws = Draws(world.seed, "sign-in", person.number, visit.day, visit.number)
        if not person.has_account(visit.day) or not draws.chance(0.06):
            continue
        begin = next((event.at for event in visit.events if event.member), draws.pick(visit.events).at)
        end = visit.ended_at + draws.between(1, 30) * MINUTE
        if draws.chance(0.3):
            end += draws.between(1, 6) * DAY
        link_id = f"L{world.date_of(visit.day):%Y%m%d}{person.number:05d}{visit.number}"
        signed_out = None if draws.chance(0.2) else end
        yield from sign_in(link_id, visit.visitor, person.member_id, begin=begin, end=signed_out, draws=draws)


def sign_in(
    link_id: str, visitor: str, member: str, *, begin: int, end: int | None, draws: Draws
) -> Iterator[Delivery]:
    """All that is reported of one sign-in: its beginning, its end if any, and rarely that it never was."""
    link = IdentityLink(begin + SECOND, link_id, visitor, member, "", begin, None, withdrawn=False)
    yield from _reported(link, draws)
    if end is not None:
        link = link._replace(recorded_at=end + SECOND, valid_to=end)
        yield from _reported(link, draws)
    if draws.chance(0.03):
        yield from _reported(_withdrawn(link, draws.between(1, 10)), draws)


def same_persons(world: World) -> Iterator[Delivery]:
    """Every fifth day two accounts are declared one person's; the second declaration, and each fourth after
    it, is withdrawn. Some name an account of the declaration before, so that more than two hang together."""
    former = ""
    for number, day in enumerate(range(1, world.days, 5)):
        draws = Draws(world.seed, "same person", day)
        continues = bool(former) and draws.chance(0.3)
        member = former if continues else account(world, day, draws)
        other = former = account(world, day, draws, other_than=member)
        if not member or not other:
            continue
        moment = day * DAY + draws.between(9, 18) * HOUR
        link_id = f"LM{world.date_of(day):%Y%m%d}"
        link = IdentityLink(moment, link_id, "", member, other, moment, None, withdrawn=False)
        yield from _reported(link, draws)
        if number % 4 == 1:
            yield from _reported(_withdrawn(link, draws.between(3, 12)), draws)


def _withdrawn(link: IdentityLink, days: int) -> IdentityLink:
    return link._replace(recorded_at=link.recorded_at + days * DAY, withdrawn=True)


def _reported(link: IdentityLink, draws: Draws) -> Iterator[Delivery]:
    return deliver(draws, link, link.recorded_at, lateness(draws, 0.02))
