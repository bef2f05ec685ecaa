"""Rows that a careful warehouse must not swallow: unreadable lines, and rows to be rejected.

Every flawed row stands beside the good row that it was made from, as if the shop had noticed and written it
again, so that nothing of the truth is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from orchestration.sample_shop.draws import Draws
from orchestration.sample_shop.tables import Fields, Table
from orchestration.sample_shop.world import DAY, World

# The arrival gate lets one row in a hundred be unreadable: a smaller dump gets no unreadable line.
_ENOUGH = 120

TIME_UNREADABLE = "time that does not parse"
FUTURE = "time in the future"
KIND_UNKNOWN = "unknown event kind"
NO_LINK_ID = "no link id"
NO_MEMBER = "no member"
NO_PARTY = "neither a visitor nor another member"
TWO_PARTIES = "both a visitor and another member"
END_BEFORE_BEGINNING = "end before the beginning"
NOT_YET = "time after it was recorded"
NEGATIVE = "negative amount"
NO_NUMBER = "amount that is not a number"
DATE_UNREADABLE = "date that does not parse"


class Flaws(NamedTuple):
    """`broken` are (position among the records, line), in order; `rejected` are (record, reason)."""

    broken: list[tuple[int, str]]
    rejected: list[tuple[Fields, str]]


def flaws(world: World, table: Table, load: int, records: Sequence[Fields]) -> Flaws:
    """The flaws of one dump, only beside good records; lines are cut in the large tables only."""
    draws = Draws(world.seed, "flaws", table.name, load)
    if not records or table.name not in _REJECTED:
        return Flaws([], [])
    rejected = _REJECTED[table.name](world, load, records, draws)
    broken = []
    if table.name in ("events", "orders") and len(records) >= _ENOUGH and draws.chance(0.3):
        position = draws.between(0, len(records) - 1)
        line = table.line(records[position])
        if table.suffix == "jsonl":
            line = line[: len(line) // 2] if draws.chance(0.5) else line.replace('"', "'")
        else:
            line = line[: draws.between(8, 30)]  # cut before the third column ends
        broken.append((position, line))
    return Flaws(broken, rejected)


def _events(world: World, load: int, records: Sequence[Fields], draws: Draws) -> list[tuple[Fields, str]]:
    future = f"{world.date_of(load + 400).isoformat()} 08:00:00.000"
    kinds: list[tuple[str, dict[int, str]]] = [
        (KIND_UNKNOWN, {5: "px_debug"}),
        (TIME_UNREADABLE, {0: "0000-00-00 00:00:00"}),
        (FUTURE, {0: future}),
    ]
    rejected = []
    for number, (reason, changes) in enumerate(kinds):
        record = draws.pick(records)
        if len(records) >= 20 and draws.chance(0.15):
            rejected.append((_changed(record, {**changes, 1: f"X{record[1]}{number}"}), reason))
    return rejected


def _orders(_world: World, _load: int, records: Sequence[Fields], draws: Draws) -> list[tuple[Fields, str]]:
    record = draws.pick(records)
    if not draws.chance(0.1):
        return []
    return [(_changed(record, {5: "0000-00-00T00:00:00"}), TIME_UNREADABLE)]


def _identity_links(
    world: World, load: int, records: Sequence[Fields], draws: Draws
) -> list[tuple[Fields, str]]:
    future = world.text((load + 400) * DAY)
    kinds: list[tuple[str, dict[int, str]]] = [
        (NO_LINK_ID, {1: ""}),
        (NO_MEMBER, {3: ""}),
        (NO_PARTY, {2: "", 4: ""}),
        (TWO_PARTIES, {2: "d0", 4: "m0"}),
        (TIME_UNREADABLE, {5: "0000-00-00 00:00:00"}),
        (END_BEFORE_BEGINNING, {6: world.text(-400 * DAY)}),
        (FUTURE, {0: future}),
        (NOT_YET, {6: future}),
    ]
    rejected = []
    for number, (reason, changes) in enumerate(kinds):
        record = draws.pick(records)
        if draws.chance(0.12):
            rejected.append((_changed(record, {1: f"X{record[1]}{number}", **changes}), reason))
    return rejected


def _gmv_targets(
    world: World, load: int, records: Sequence[Fields], draws: Draws
) -> list[tuple[Fields, str]]:
    kinds: list[tuple[str, dict[int, str]]] = [
        (TIME_UNREADABLE, {0: "0000-00-00 00:00:00"}),
        (FUTURE, {0: world.text((load + 400) * DAY)}),
        (DATE_UNREADABLE, {2: "2024-13-01"}),
        (END_BEFORE_BEGINNING, {3: world.date_of(-400).isoformat()}),
        (NO_NUMBER, {4: "tba"}),
        (NEGATIVE, {4: "-1000.00"}),
    ]
    rejected = []
    for reason, changes in kinds:
        record = draws.pick(records)
        if draws.chance(0.3):
            rejected.append((_changed(record, changes), reason))
    return rejected


def _changed(record: Fields, changes: dict[int, str]) -> Fields:
    return tuple(changes.get(position, value) for position, value in enumerate(record))


_REJECTED: dict[str, Callable[[World, int, Sequence[Fields], Draws], list[tuple[Fields, str]]]] = {
    "events": _events,
    "orders": _orders,
    "identity_links": _identity_links,
    "gmv_targets": _gmv_targets,
}
