"""Stage of each person on each day, and what is counted from it: history, stock and flow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from oracle.evidence import Evidence, PaidOrder, SeenEvent
from oracle.rules import CONSUMER_ASSET, Preset, Rule

FOREVER = date(9999, 12, 31)
DAY = timedelta(days=1)

Key = tuple[str, str]
HistoryRow = tuple[str, str, str, date, date]


def order_end(order: PaidOrder, window_days: int, refund_policy: str) -> date:
    """First day on which the order no longer counts; the paid day itself where it never counts."""
    expiry = order.paid_day + timedelta(days=window_days)
    if order.refunded_day is None or refund_policy == "gross":
        return expiry
    if refund_policy == "net_hindsight":
        return order.paid_day
    if refund_policy == "as_known":
        return max(order.paid_day, min(expiry, order.refunded_day))
    raise ValueError(f"unknown refund policy {refund_policy!r}")


def lives(evidence: Evidence, rule: Rule, refund_policy: str) -> dict[date, date]:
    """Qualifying days of one person for one windowed rule, each with the first day on which it is dead."""
    if rule.window_days is None:
        raise ValueError(f"the rule for {rule.touch_kind!r} counts days but has no window")
    ends: dict[date, date] = {}
    if rule.touch_kind == "paid_order":
        for order in evidence.orders:
            end = order_end(order, rule.window_days, refund_policy)
            ends[order.paid_day] = max(end, ends.get(order.paid_day, order.paid_day))
    else:
        for touch in evidence.touches:
            good = rule.min_rating is None or (touch.rating is not None and touch.rating >= rule.min_rating)
            if touch.kind == rule.touch_kind and good:
                ends[touch.day] = touch.day + timedelta(days=rule.window_days)
    return {day: end for day, end in ends.items() if day < end}


def stage_on(evidence: Evidence, day: date, preset: Preset = CONSUMER_ASSET) -> str:
    """Stage of one person with one brand at the end of a day: the highest stage with any rule on."""
    best = preset.none
    for rule in preset.rules:
        if rule.is_state:
            alive = sum(m.kind == rule.touch_kind and m.on(day) for m in evidence.memberships)
        else:
            spans = lives(evidence, rule, preset.refund_policy).items()
            alive = sum(start <= day < end for start, end in spans)
        if alive >= rule.min_count and preset.rank(rule.stage) > preset.rank(best):
            best = rule.stage
    return best


@dataclass(frozen=True)
class Walk:
    """Stage of one person with one brand on every day from `first` on; `after` holds for ever after."""

    first: date
    stages: list[str]
    after: str
    none: str

    def on(self, day: date) -> str:
        """Stage at the end of that day."""
        index = (day - self.first).days
        if index < 0:
            return self.none
        return self.stages[index] if index < len(self.stages) else self.after


def walk_person(evidence: Evidence, preset: Preset) -> Walk | None:
    """Walk every day from the first above rank 0 until nothing can change; None if there is no such day.

    The same as asking `stage_on` for each day, only that a rule ticks off its live days once.
    """
    days = [t.day for t in evidence.touches] + [o.paid_day for o in evidence.orders]
    days += [m.joined for m in evidence.memberships]
    spans: list[tuple[Rule, list[tuple[date, date]]]] = []
    for rule in preset.rules:
        if not rule.is_state:
            spans.append((rule, list(lives(evidence, rule, preset.refund_policy).items())))
    ends = [end for _, pairs in spans for _, end in pairs]
    ends += [m.left for m in evidence.memberships if m.left is not None]
    start, stop = min(days).toordinal(), max(days + ends).toordinal()

    ranks = [0] * (stop - start + 1)
    names = {rank: stage for stage, rank in preset.ranks.items()} | {0: preset.none}
    for rule, pairs in spans:
        alive: Counter[int] = Counter()
        for begin, end in pairs:
            alive.update(range(begin.toordinal() - start, end.toordinal() - start))
        for index, count in alive.items():
            if count >= rule.min_count:
                ranks[index] = max(ranks[index], preset.rank(rule.stage))
    for rule in preset.rules:
        if rule.is_state:
            states = [m for m in evidence.memberships if m.kind == rule.touch_kind]
            for index in range(len(ranks)):
                if states and sum(m.on(date.fromordinal(start + index)) for m in states) >= rule.min_count:
                    ranks[index] = max(ranks[index], preset.rank(rule.stage))

    first = next((index for index, rank in enumerate(ranks) if rank > 0), None)
    if first is None:
        return None
    stages = [names[rank] for rank in ranks[first:]]
    return Walk(date.fromordinal(start + first), stages, stages[-1], preset.none)


def walk(evidence: Evidence, preset: Preset = CONSUMER_ASSET) -> dict[Key, Walk]:
    """The walk of every (brand, person) that ever reaches a stage above rank 0."""
    walks = {key: walk_person(own, preset) for key, own in evidence.of_each_person().items()}
    return {key: walked for key, walked in walks.items() if walked is not None}


def stage_history(walks: Mapping[Key, Walk]) -> set[HistoryRow]:
    """Rows (brand, person, stage, valid_from, valid_to), half-open, without gap, the last one open."""
    rows: set[HistoryRow] = set()
    for (brand, person), walked in walks.items():
        since, stage = walked.first, walked.stages[0]
        for index, today in enumerate(walked.stages):
            if today != stage:
                day = walked.first + index * DAY
                rows.add((brand, person, stage, since, day))
                since, stage = day, today
        rows.add((brand, person, stage, since, FOREVER))
    return rows


def walks_of_history(rows: Iterable[HistoryRow], none: str = "O") -> dict[Key, Walk]:
    """The walks that some history tells; a person is in no stage where it tells nothing."""
    by_person: dict[Key, list[tuple[date, date, str]]] = defaultdict(list)
    for brand, person, stage, since, until in rows:
        by_person[brand, person].append((since, until, stage))
    walks: dict[Key, Walk] = {}
    for key, spans in by_person.items():
        first = min(since for since, _, _ in spans)
        last = max(since if until == FOREVER else until for since, until, _ in spans)
        stages = [
            next((stage for since, until, stage in spans if since <= day < until), none)
            for day in days_between(first, last)
        ]
        walks[key] = Walk(first, stages, stages[-1], none)
    return walks


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    for offset in range((last - first).days + 1):
        yield first + offset * DAY


def daily_stock(walks: Mapping[Key, Walk], first: date, last: date) -> Counter[tuple[str, date, str]]:
    """Persons by (brand, day, stage) at the end of each day; rank 0 is no stock."""
    stock: Counter[tuple[str, date, str]] = Counter()
    for (brand, _), walked in walks.items():
        for day in days_between(max(first, walked.first), last):
            stage = walked.on(day)
            if stage != walked.none:
                stock[brand, day, stage] += 1
    return stock


def flow(walks: Mapping[Key, Walk], start_day: date, end_day: date) -> Counter[tuple[str, str, str]]:
    """Persons by (brand, stage at the end of `start_day`, at the end of `end_day`); none to none is no row.

    The flow of a period starts at the end of the day before it.
    """
    moved: Counter[tuple[str, str, str]] = Counter()
    for (brand, _), walked in walks.items():
        before, after = walked.on(start_day), walked.on(end_day)
        if not before == after == walked.none:
            moved[brand, before, after] += 1
    return moved


def movements(moved: Mapping[tuple[str, str, str], int], preset: Preset) -> dict[str, Counter[str]]:
    """Persons kept, deepened, shallowed, lost and new, by brand."""
    named: dict[str, Counter[str]] = defaultdict(Counter)
    for (brand, before, after), persons in moved.items():
        named[brand][movement(preset.rank(before), preset.rank(after))] += persons
    return dict(named)


def movement(before: int, after: int) -> str:
    """Name of a change of rank that does not stay at 0."""
    if before == 0:
        return "new"
    if after == 0:
        return "lost"
    if before == after:
        return "kept"
    return "deepened" if after > before else "shallowed"


def stage_changes(walks: Mapping[Key, Walk], first: date, last: date) -> Counter[tuple[str, str, str]]:
    """Changes by (brand, stage the day before, stage of the day), over all days of a period."""
    changed: Counter[tuple[str, str, str]] = Counter()
    for (brand, _), walked in walks.items():
        for day in days_between(first, last):
            before, after = walked.on(day - DAY), walked.on(day)
            if before != after:
                changed[brand, before, after] += 1
    return changed


@dataclass(frozen=True)
class Met:
    """What a deepened person met first: None is not told; no event in time at all is not `seen`."""

    seen: bool
    channel: str | None = None
    campaign: str | None = None


def deepening(
    walks: Mapping[Key, Walk], seen: Iterable[SeenEvent], preset: Preset, first: date, last: date
) -> Counter[tuple[str, Met]]:
    """Persons deepened over a period, by brand and the first event of the period (rule `first_touch`).

    The event must lie on or before the day on which the person first stood above where the period began.
    """
    events: dict[Key, list[SeenEvent]] = defaultdict(list)
    for event in seen:
        if first <= event.day <= last:
            events[event.brand, event.person].append(event)
    found: Counter[tuple[str, Met]] = Counter()
    for key, walked in walks.items():
        start, end = preset.rank(walked.on(first - DAY)), preset.rank(walked.on(last))
        if not 0 < start < end:
            continue
        risen = next(day for day in days_between(first, last) if preset.rank(walked.on(day)) > start)
        opening = min(events[key], key=lambda event: (event.at, event.event_id), default=None)
        in_time = opening is not None and opening.day <= risen
        met = Met(True, opening.channel, opening.campaign) if opening and in_time else Met(False)
        found[key[0], met] += 1
    return found
