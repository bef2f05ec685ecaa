"""The ledger by its definition: releases compared person by person and day by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from oracle.rules import Preset
from oracle.stages import DAY, FOREVER

Person = tuple[str, str, str]
Entry = tuple[str, str, str, date, date, str, str]


@dataclass(frozen=True)
class Published:
    """What one release knows: stages by (preset, brand, person) and day, and the evidence behind them.

    `person_days` maps (brand, person, kind, day) to rating and day of refund; `states` are (brand, person,
    kind, joined, left); `keys` are (person, key, first seen).
    """

    name: str
    presets: Mapping[str, Preset]
    horizons: Mapping[str, date | None]
    stages: Mapping[Person, Mapping[date, str]]
    person_days: Mapping[tuple[str, str, str, date], tuple[int | None, date]] = field(default_factory=dict)
    states: Sequence[tuple[str, str, str, date, date]] = ()
    keys: frozenset[tuple[str, str, date]] = frozenset()

    def stage(self, person: Person, day: date) -> str:
        """Stage of a person, O where nothing is known."""
        return self.stages.get(person, {}).get(day, "O")

    def stock(self, preset: str, brand: str, day: date, stage: str) -> int:
        """Persons in a stage."""
        people = [key for key in self.stages if key[:2] == (preset, brand)]
        return sum(self.stage(person, day) == stage for person in people)


def last_published(chain: Sequence[Published], brand: str) -> date | None:
    """The last day of a brand that any of these releases showed as fact."""
    return max((day for release in chain if (day := release.horizons.get(brand))), default=None)


def new_entries(chain: Sequence[Published], new: Published) -> set[tuple[Entry, str]]:
    """Entries, each with its reason, of the release that follows the last of the chain."""
    before = chain[-1]
    entries: set[tuple[Entry, str]] = set()
    for person in {*before.stages, *new.stages}:
        preset, brand, _ = person
        last = last_published(chain, brand)
        if last is None or preset not in before.presets or preset not in new.presets:
            continue
        days = {*before.stages.get(person, {}), *new.stages.get(person, {})}
        differing = [
            (day, before.stage(person, day), new.stage(person, day))
            for day in sorted(days)
            if day <= last and before.stage(person, day) != new.stage(person, day)
        ]
        for first, until, old, now in _stretches(differing):
            reason = why(before, new, person, (first, until), last)
            entries.add(((*person, first, until, old, now), reason))
    return entries


def why(before: Published, after: Published, person: Person, span: tuple[date, date], last: date) -> str:
    """The first reason that holds for a span of days, its end excluded; `last` is the last day published."""
    preset, brand, who = person
    if before.presets[preset] != after.presets[preset]:
        return "rules"
    if any(_has_moved(before, after, key, last) for key in _keys_of(before, after, who, last)):
        return "identity"
    reasons = set(_evidence_reasons(before, after, person, list(_days(*span))))
    kinds = {rule.touch_kind for rule in after.presets[preset].rules if rule.is_state}
    old, new = (_published_states(release, brand, who, kinds, last) for release in (before, after))
    if any(old.count(state) > new.count(state) for state in old):
        reasons.add("correction")
    return next((reason for reason in ("refund", "correction") if reason in reasons), "late")


def _evidence_reasons(before: Published, after: Published, person: Person, days: list[date]) -> Iterator[str]:
    preset, brand, who = person
    policy = after.presets[preset].refund_policy
    for rule in after.presets[preset].rules:
        for key, (old_rating, old_refund) in before.person_days.items():
            its_brand, its_person, kind, touched = key
            if rule.is_state or (its_brand, its_person, kind) != (brand, who, rule.touch_kind):
                continue
            assert rule.window_days is not None
            alive = [day for day in days if touched <= day < touched + timedelta(days=rule.window_days)]
            if not alive:
                continue
            if key not in after.person_days:
                yield "correction"
                continue
            new_rating, new_refund = after.person_days[key]
            if rule.min_rating and ((old_rating or 0) >= rule.min_rating) != (
                (new_rating or 0) >= rule.min_rating
            ):
                yield "correction"
            if policy == "net_hindsight" and (old_refund == FOREVER) != (new_refund == FOREVER):
                yield "refund"
            if policy == "as_known" and any((day < old_refund) != (day < new_refund) for day in alive):
                yield "refund"


def _published_states(
    release: Published, brand: str, who: str, kinds: set[str], last: date
) -> list[tuple[str, date, date]]:
    return [
        (kind, joined, min(left, last + DAY))
        for its_brand, its_person, kind, joined, left in release.states
        if (its_brand, its_person) == (brand, who) and kind in kinds and joined <= last
    ]


def _keys_of(before: Published, after: Published, who: str, last: date) -> set[str]:
    return {key for person, key, since in before.keys | after.keys if person == who and since <= last}


def _has_moved(before: Published, after: Published, key: str, last: date) -> bool:
    old, new = (
        {(person, since) for person, its_key, since in release.keys if its_key == key and since <= last}
        for release in (before, after)
    )
    return bool(old and new) and old != new and len({person for person, _ in old | new}) > 1


def _days(first: date, until: date) -> Iterator[date]:
    while first < until:
        yield first
        first += DAY


def _stretches(days: Iterable[tuple[date, str, str]]) -> Iterator[tuple[date, date, str, str]]:
    """Neighbouring days with the same two stages as one: first day, the day after the last, both stages."""
    open_one: tuple[date, date, str, str] | None = None
    for day, old, new in days:
        if open_one and open_one[1:] == (day, old, new):
            open_one = (open_one[0], day + DAY, old, new)
        else:
            if open_one:
                yield open_one
            open_one = (day, day + DAY, old, new)
    if open_one:
        yield open_one
