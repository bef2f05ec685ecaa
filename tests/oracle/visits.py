"""Visits: the events of one key on one business day, and what each brand's views in them look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

# Page views, and the class of their page where nobody tells it.
VIEWS = {"home_view": "home", "product_view": "product", "page_view": "other"}
IMPRESSIONS = {"ad_impression"}
PAUSE = timedelta(minutes=30)
LONGEST_DWELL = 1800
NONE = "(none)"


@dataclass(frozen=True)
class Event:
    """Something that somebody did, bots left out; None is not told. `at` is the brand's own time."""

    event_id: str
    brand: str
    at: datetime
    kind: str
    person: str | None = None
    visitor: str | None = None
    member: str | None = None
    session: str | None = None
    product: str | None = None
    page_class: str | None = None
    device: str | None = None
    region: str | None = None
    channel: str | None = None
    campaign: str | None = None

    @property
    def day(self) -> date:
        """Business day."""
        return self.at.date()

    @property
    def key(self) -> tuple[str, str] | None:
        """Whose visit it is of; None where nobody tells."""
        named = (("session", self.session), ("visitor", self.visitor), ("member", self.member))
        return next(((what, key) for what, key in named if key is not None), None)

    @property
    def is_view(self) -> bool:
        """Whether it is a page view."""
        return self.kind in VIEWS


@dataclass(frozen=True)
class Act:
    """An event with what its visit adds; `visit` is None outside a visit of the brand, as of impressions."""

    event: Event
    channel: str
    campaign: str | None
    visit: tuple[object, ...] | None = None
    position: int | None = None
    visit_views: int | None = None
    previous_class: str | None = None
    next_class: str | None = None
    dwell_seconds: int | None = None
    is_kept: bool = False

    @property
    def page_class(self) -> str | None:
        """Class of the page: views have one in any case."""
        return self.event.page_class or VIEWS.get(self.event.kind)


def visits(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each visit in order of time; impressions, and rows without any key, are in none."""
    of_key: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        if event.key is not None and event.kind not in IMPRESSIONS:
            of_key[event.key, event.day].append(event)
    found = []
    for own in of_key.values():
        own.sort(key=lambda event: (event.at, event.event_id))
        cuts = [
            number
            for number in range(1, len(own))
            if own[number].session is None and own[number].at - own[number - 1].at > PAUSE
        ]
        found += [own[first:last] for first, last in zip([0, *cuts], [*cuts, len(own)], strict=True)]
    return found


def acts(events: Iterable[Event]) -> list[Act]:
    """Every event of one source with its place in the visit of its brand."""
    events = list(events)
    told = any(event.channel is not None for event in events)
    untold = "direct" if told else NONE
    kept = _kept(events)
    found: dict[str, Act] = {}
    for visit in visits(events):
        channel = next((event.channel for event in visit if event.channel), untold)
        campaign = next((event.campaign for event in visit if event.campaign), None)
        views = [event for event in visit if event.is_view]
        for brand in {event.brand for event in views}:
            own = [event for event in views if event.brand == brand]
            classes = ["(entry)", *(event.page_class or VIEWS[event.kind] for event in own), "(exit)"]
            name = (brand, *(visit[0].key or ()), visit[0].day, visit[0].event_id)
            for event in visit:
                if event.brand != brand:
                    continue
                act = Act(event, channel, campaign, name, is_kept=event.event_id in kept)
                if event.is_view:
                    number = own.index(event)
                    later = next((view for view in views[views.index(event) + 1 :]), None)
                    dwell = int((later.at - event.at).total_seconds()) if later else None
                    act = Act(
                        *(event, channel, campaign, name, number + 1, len(own)),
                        *(classes[number], classes[number + 2]),
                        None if dwell is None else min(dwell, LONGEST_DWELL),
                    )
                found[event.event_id] = act
    outside = [
        Act(event, event.channel or untold, event.campaign, is_kept=event.event_id in kept)
        for event in events
        if event.event_id not in found
    ]
    return [*found.values(), *outside]


def _kept(events: list[Event]) -> set[str]:
    """Adds of what the person has in the cart at the day's end: not removed, or added again."""
    of_product: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        if event.kind in ("add_to_cart", "remove_from_cart") and event.person is not None:
            of_product[event.brand, event.person, event.product, event.day].append(event)
    return {
        event.event_id
        for own in of_product.values()
        if max(own, key=lambda event: (event.at, event.event_id)).kind == "add_to_cart"
        for event in own
        if event.kind == "add_to_cart"
    }


@dataclass(frozen=True)
class Visit:
    """A visit of a brand, as analysts know a session."""

    name: tuple[object, ...]
    brand: str
    started_at: datetime
    person: str | None
    views: int
    dwell_seconds: int
    dwell_views: int
    entry_class: str
    exit_class: str
    entry_product: str | None
    channel: str
    campaign: str | None
    device: str
    cart_adds: int

    @property
    def day(self) -> date:
        """Business day."""
        return self.started_at.date()

    @property
    def is_one_view(self) -> bool:
        """Whether one page was seen."""
        return self.views == 1


def visit_table(found: Iterable[Act]) -> list[Visit]:
    """The visits of all brands."""
    of_visit: dict[tuple[object, ...], list[Act]] = defaultdict(list)
    for act in found:
        if act.visit is not None:
            of_visit[act.visit].append(act)
    table = []
    for name, own in of_visit.items():
        views = sorted((act for act in own if act.position), key=lambda act: act.position or 0)
        first, last = views[0], views[-1]
        dwells = [view.dwell_seconds for view in views if view.dwell_seconds is not None]
        visit = Visit(
            name=name,
            brand=first.event.brand,
            started_at=first.event.at,
            person=first.event.person,
            views=len(views),
            dwell_seconds=sum(dwells),
            dwell_views=len(dwells),
            entry_class=first.page_class or "",
            exit_class=last.page_class or "",
            entry_product=first.event.product,
            channel=first.channel,
            campaign=first.campaign,
            device=first.event.device or NONE,
            cart_adds=sum(act.event.kind == "add_to_cart" for act in own),
        )
        table.append(visit)
    return table
