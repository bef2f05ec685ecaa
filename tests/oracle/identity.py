"""Who a row belongs to: the keys on rows, sign-ins of visitors, links between members, and bots.

A key is text as on the rows of the marts (`shop:m:7`, `shop:v:phone`). All times of one answer are of one
clock; which one does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

BOT_WORDS = (
    *("bot", "crawler", "spider", "slurp", "headless", "phantomjs"),
    *("curl/", "wget/", "python-requests"),
)


@dataclass(frozen=True)
class Link:
    """A declared link that still stands: the member had the device from `since` until `until`."""

    visitor: str
    member: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Sighting:
    """An event or order that carries both a visitor and a member."""

    visitor: str
    member: str
    at: datetime


@dataclass(frozen=True)
class SignIn:
    """A member signed in on a visitor, from `since` until `until` (None: still)."""

    visitor: str
    member: str
    since: datetime
    until: datetime | None
    declared: bool

    def active(self, at: datetime) -> bool:
        """Whether it holds at that moment."""
        return self.since <= at and (self.until is None or at < self.until)


def sign_ins(links: Iterable[Link], sightings: Iterable[Sighting]) -> list[SignIn]:
    """Every sign-in; one that was only seen lasts until the next sign-in of another member there."""
    begun: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    links, sightings = list(links), set(sightings)
    for told in links:
        begun[told.visitor].append((told.member, told.since))
    for seen in sightings:
        begun[seen.visitor].append((seen.member, seen.at))
    found = [SignIn(link.visitor, link.member, link.since, link.until, declared=True) for link in links]
    for seen in sightings:
        others = [since for who, since in begun[seen.visitor] if who != seen.member and since > seen.at]
        found.append(SignIn(seen.visitor, seen.member, seen.at, min(others, default=None), declared=False))
    return found


def holder(own: Sequence[SignIn], at: datetime, max_members: int) -> str | None:
    """The member whom a visitor's row of that moment belongs to, by the visitor's own sign-ins."""
    active = [sign_in for sign_in in own if sign_in.active(at)]
    if len({sign_in.member for sign_in in own}) > max_members:
        # So many hands: only who said so, and only while it lasts.
        active = [sign_in for sign_in in active if sign_in.declared]
        begun, coming = [], []
    else:
        begun = [sign_in for sign_in in own if sign_in.since <= at]
        coming = [sign_in for sign_in in own if sign_in.since > at]
    if active:
        latest = max(s.since for s in active)
        return min(s.member for s in active if s.since == latest)
    if begun:
        # None of them is open, else it were active.
        last_out = max(s.until for s in begun if s.until is not None)
        left = [s for s in begun if s.until == last_out]
        latest = max(s.since for s in left)
        return min(s.member for s in left if s.since == latest)
    if coming:
        first = min(s.since for s in coming)
        return min(s.member for s in coming if s.since == first)
    return None


def united(member: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The smallest of all members that explicit links join to this one, over any number of steps."""
    pairs = list(pairs)
    group = {member}
    while True:
        grown = group | {one for pair in pairs for one in pair if group & set(pair)}
        if grown == group:
            return min(group)
        group = grown


@dataclass
class Identity:
    """Persons of keys: what is known of sign-ins and of members that are one person."""

    links: Collection[Link] = ()
    sightings: Collection[Sighting] = ()
    same: Collection[tuple[str, str]] = ()
    max_members: int = 5
    _own: dict[str, list[SignIn]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the sign-ins by visitor: each row looks at all of its own visitor's, and at no other."""
        own: dict[str, list[SignIn]] = defaultdict(list)
        for sign_in in sign_ins(self.links, self.sightings):
            own[sign_in.visitor].append(sign_in)
        self._own = dict(own)

    def person(self, visitor: str | None, member: str | None, at: datetime) -> str | None:
        """Who a row with these keys belongs to at that moment; None without a key."""
        owner = member
        if owner is None and visitor is not None:
            owner = holder(self._own.get(visitor, ()), at, self.max_members)
        return visitor if owner is None else united(owner, self.same)


@dataclass(frozen=True)
class Visit:
    """What decides whether an event is a bot's; no visitor, no limit."""

    visitor: str | None
    day: date
    user_agent: str


def bots(visits: Sequence[Visit], events_per_day: int, words: Iterable[str] = BOT_WORDS) -> list[bool]:
    """For each event whether a bot made it: by its name, or by how many its visitor made that day."""
    made = Counter((visit.visitor, visit.day) for visit in visits)
    lower = [word.lower() for word in words]
    return [
        any(word in visit.user_agent.lower() for word in lower)
        or (visit.visitor is not None and made[visit.visitor, visit.day] > events_per_day)
        for visit in visits
    ]
