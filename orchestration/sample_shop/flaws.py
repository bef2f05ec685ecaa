"""Rows that a careful warehouse must not swallow: unreadable lines, and rows to be rejected.

Every flawed row stands beside the good row that it was made from, as if the shop had noticed and written it
again, so that nothing of the truth is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orchestration.sample_shop.draws import Draws
from orchestration.sample_shop.tables import Fields, Table
from orchestration.sample_shop.world import World

# The arrival gate lets one row in a hundred be unreadable: a smaller dump gets no unreadable line.
_ENOUGH = 120

TIME_UNREADABLE = "time that does not parse"
FUTURE = "time in the future"
KIND_UNKNOWN = "unknown event kind"


class Flaws(NamedTuple):
    """`broken` are (position among the records, line), in order; `rejected` are (record, reason)."""

    broken: list[tuple[int, str]]
    rejected: list[tuple[Fields, str]]


def flaws(world: World, table: Table, load: int, records: Sequence[Fields]) -> Flaws:
    """The flaws of one dump; only events and orders have any, and only beside good records."""
    draws = Draws(world.seed, "flaws", table.name, load)
    if not records or table.name not in ("events", "orders"):
        return Flaws([], [])
    rejected = _events(world, load, records, draws) if table.name == "events" else _orders(records, draws)
    broken = []
    if len(records) >= _ENOUGH and draws.chance(0.3):
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


def _orders(records: Sequence[Fields], draws: Draws) -> list[tuple[Fields, str]]:
    record = draws.pick(records)
    if not draws.chance(0.1):
        return []
    return [(_changed(record, {5: "0000-00-00T00:00:00"}), TIME_UNREADABLE)]


def _changed(record: Fields, changes: dict[int, str]) -> Fields:
    return tuple(changes.get(position, value) for position, value in enumerate(record))
