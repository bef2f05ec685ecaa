"""The truth of traffic: visitors, visits, time on pages and the way through them, from events alone.

Visitors are told apart by their source keys; links may make several one person's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from orchestration.sample_shop.rows import Event, source_key
from orchestration.sample_shop.world import DAY, MINUTE, SECOND, World

_VIEWS = ("page_view", "home_view", "product_view")
_CLASS_OF_KIND = {"home_view": "home", "product_view": "product", "page_view": "other"}
# Nobody looks at a page for longer.
_LONGEST = 30 * MINUTE


class _Visit(NamedTuple):
    """The pages of a brand in one session and day, in their order, with the seconds that each was seen."""

    brand: str
    day: int
    views: tuple[Event, ...]
    dwell: tuple[int | None, ...]


def daily_traffic(world: World, events: Sequence[Event]) -> dict[str, dict[str, dict[str, int]]]:
    """By brand and day: distinct visitors, views, visits, those of one view, and seconds of known dwell."""
    found: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    of_visitors: Counter[tuple[str, int, str]] = Counter()
    for event in filter(is_view, events):
        found[event.brand, event.at // DAY]["views"] += 1
        if key := source_key(event):
            of_visitors[event.brand, event.at // DAY, key] += 1
    for (brand, day, _), views in of_visitors.items():
        found[brand, day].update(visitors=1, one_view_visitor_days=int(views == 1))
    for visit in _visits(events):
        known = [seconds for seconds in visit.dwell if seconds is not None]
        found[visit.brand, visit.day].update(
            visits=1,
            one_view_visits=int(len(visit.views) == 1),
            dwell_seconds=sum(known),
            dwell_views=len(known),
        )
    told: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for (brand, day), counts in sorted(found.items()):
        told[brand][world.date_of(day).isoformat()] = dict(sorted(counts.items()))
    return dict(told)


def path_flow(world: World, events: Sequence[Event]) -> dict[str, dict[str, int]]:
    """By brand, the moves between classes of pages in the first week from Monday on: `from > to`."""
    monday = -world.date_of(0).weekday() % 7
    moves: dict[str, Counter[str]] = defaultdict(Counter)
    for visit in _visits(events):
        if monday <= visit.day < monday + 7:
            classes = [event.page or _CLASS_OF_KIND[event.kind] for event in visit.views]
            moves[visit.brand].update(" > ".join(move) for move in pairwise(["(entry)", *classes, "(exit)"]))
    return {brand: dict(sorted(counts.items())) for brand, counts in sorted(moves.items())}


def is_view(event: Event) -> bool:
    """Whether it is the look at a page of the shop."""
    return event.kind in _VIEWS


def _visits(events: Iterable[Event]) -> Iterator[_Visit]:
    """A session is cut at midnight; a page is seen until the next one of any brand."""
    sessions: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in filter(is_view, events):
        sessions[event.session, event.at // DAY].append(event)
    for (_, day), views in sessions.items():
        views.sort(key=lambda event: (event.at, event.event_id))
        dwell: list[int | None] = [
            min(after.at - view.at, _LONGEST) // SECOND for view, after in pairwise(views)
        ]
        by_brand: dict[str, list[tuple[Event, int | None]]] = defaultdict(list)
        for view, seconds in zip(views, [*dwell, None], strict=True):
            by_brand[view.brand].append((view, seconds))
        for brand, own in by_brand.items():
            yield _Visit(brand, day, *zip(*own, strict=True))
