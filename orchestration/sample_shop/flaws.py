"""Rows that a careful warehouse must not swallow: unreadable lines, and rows to be rejected.

Every flawed row stands beside the good row that it was made from, as if the shop had noticed and written it
again, so that nothing of the truth is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from orchestration.sample_shop.tables import Fields, Table
from orchestration.sample_shop.world import Draws, World

# The arrival gate lets one row in a hundred be unreadable: a smaller dump gets no unreadable line.
_ENOUGH = 120

TIME_UNREADABLE = "time that does not parse"
FUTURE = "time in the future"
END_BEFORE_BEGINNING = "end before the beginning"


class _Kinds(NamedTuple):
    """The flaws of a table, each with its share of the dumps that have `least` records.

    `changes` are (reason, new values by column); {future} and {past} in them stand for a date.
    """

    share: float
    changes: tuple[tuple[str, Mapping[str, str]], ...]
    least: int = 1
    # Where the flawed row would otherwise count as a version of the good one.
    new_id: str = ""


_KINDS = {
    "events": _Kinds(
        0.15,
        (
            ("unknown event kind", {"event": "px_debug"}),
            (TIME_UNREADABLE, {"event_time": "0000-00-00 00:00:00"}),
            (FUTURE, {"event_time": "{future} 08:00:00.000"}),
        ),
        least=20,
        new_id="event_id",
    ),
    "orders": _Kinds(0.1, ((TIME_UNREADABLE, {"created_at": "0000-00-00T00:00:00"}),)),
    "identity_links": _Kinds(
        0.12,
        (
            ("no link id", {"link_id": ""}),
            ("no member", {"member_id": ""}),
            ("neither a visitor nor another member", {"visitor_id": "", "other_member_id": ""}),
            ("both a visitor and another member", {"visitor_id": "d0", "other_member_id": "m0"}),
            (TIME_UNREADABLE, {"valid_from": "0000-00-00 00:00:00"}),
            (END_BEFORE_BEGINNING, {"valid_to": "{past} 00:00:00"}),
            (FUTURE, {"recorded_at": "{future} 00:00:00"}),
            ("time after it was recorded", {"valid_to": "{future} 00:00:00"}),
        ),
        new_id="link_id",
    ),
    "gmv_targets": _Kinds(
        0.3,
        (
            (TIME_UNREADABLE, {"updated_at": "0000-00-00 00:00:00"}),
            (FUTURE, {"updated_at": "{future} 00:00:00"}),
            ("date that does not parse", {"period_start": "2024-13-01"}),
            (END_BEFORE_BEGINNING, {"period_end": "{past}"}),
            ("amount that is not a number", {"gmv": "tba"}),
            ("negative amount", {"gmv": "-1000.00"}),
        ),
    ),
}


def flaws(
    world: World, table: Table, load: int, records: Sequence[Fields]
) -> tuple[list[tuple[int, str]], list[tuple[Fields, str]]]:
    """The flaws of one dump, beside good records only: unreadable lines, and records with why to reject them.

    A line comes with its position among the records; lines are cut in the large tables only.
    """
    draws = Draws(world.seed, "flaws", table.name, load)
    if not records or table.name not in _KINDS:
        return [], []
    rejected = list(_rejected(world, table, load, records, draws))
    broken = []
    if table.name in ("events", "orders") and len(records) >= _ENOUGH and draws.chance(0.3):
        position = draws.between(0, len(records) - 1)
        line = table.line(records[position])
        if table.suffix == "jsonl":
            line = line[: len(line) // 2] if draws.chance(0.5) else line.replace('"', "'")
        else:
            line = line[: draws.between(8, 30)]  # cut before the third column ends
        broken.append((position, line))
    return broken, rejected


def _rejected(
    world: World, table: Table, load: int, records: Sequence[Fields], draws: Draws
) -> Iterator[tuple[Fields, str]]:
    share, kinds, least, new_id = _KINDS[table.name]
    dates = {"future": world.date_of(load + 400), "past": world.date_of(-400)}
    for number, (reason, changes) in enumerate(kinds):
        good = dict(zip(table.columns, draws.pick(records), strict=True))
        if len(records) >= least and draws.chance(share):
            other_id = {new_id: f"X{good[new_id]}{number}"} if new_id else {}
            changed = {column: value.format(**dates) for column, value in changes.items()}
            yield tuple({**good, **other_id, **changed}.values()), reason
