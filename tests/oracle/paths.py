"""Moves between the pages of visits, counted from class to class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from oracle.report_periods import Period
from oracle.visits import Act

LEAST = 5
Flow = tuple[int, int, int | None]


def flow(acts: Iterable[Act], periods: Iterable[Period]) -> dict[tuple[str, str, str], Flow]:
    """Moves, visits and visitors by (period, from class, to class); few visitors are not told."""
    moves: dict[tuple[str, str, str], list[Act]] = defaultdict(list)
    acts = [act for act in acts if act.position is not None]
    for period in periods:
        if period.period_type not in ("day", "week", "month"):
            continue
        for act in acts:
            if not period.start <= act.event.day <= period.end:
                continue
            page = act.page_class or ""
            moves[period.period_id, act.previous_class or "", page].append(act)
            # The move to the next page is that page's own; only the last one leaves.
            if act.next_class == "(exit)":
                moves[period.period_id, page, "(exit)"].append(act)
    found = {}
    for key, own in moves.items():
        visitors = len({act.event.person for act in own if act.event.person})
        found[key] = (len(own), len({act.visit for act in own}), visitors if visitors >= LEAST else None)
    return found
