"""FAST of weeks and months, each figure by its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from oracle.evidence import Evidence
from oracle.rules import Preset
from oracle.stages import DAY, Key, Walk, days_between, order_end

THRIVING_KINDS = ("favorite", "add_to_cart", "benefit_claim", "interaction")


@dataclass(frozen=True)
class Fast:
    """Health of one brand's consumers over one period: persons, and ratios that are None on zero."""

    fertility_union: int
    fertility_end: int
    start_stock: int
    start_stock_eligible: int
    deepened: int
    superiority_members: int
    members: int
    thriving_members: int
    thriving_superior_members: int

    @property
    def advancing_rate(self) -> float | None:
        """Deepened over everybody in stock at the start."""
        return self.deepened / self.start_stock if self.start_stock else None

    @property
    def advancing_rate_eligible(self) -> float | None:
        """Deepened over those who could still rise."""
        return self.deepened / self.start_stock_eligible if self.start_stock_eligible else None

    @property
    def thriving_rate(self) -> float | None:
        """Active members over members."""
        return self.thriving_members / self.members if self.members else None

    @property
    def thriving_rate_superior(self) -> float | None:
        """Active members of worth over members of worth."""
        return self.thriving_superior_members / self.superiority_members if self.superiority_members else None


def is_thriving(own: Evidence, last: date, days: int, refund_policy: str) -> bool:
    """Whether a person favoured, carted, claimed, interacted or bought in the `days` days up to `last`."""
    since = last - timedelta(days=days - 1)
    touched = any(t.kind in THRIVING_KINDS and since <= t.day <= last for t in own.touches)
    bought = any(o.paid_day <= last < order_end(o, days, refund_policy) for o in own.orders)
    return touched or bought


def fast(
    evidence: Evidence,
    walks: Mapping[Key, Walk],
    preset: Preset,
    first: date,
    last: date,
    *,
    min_tier: int = 0,
    thriving_days: int = 30,
) -> dict[str, Fast]:
    """FAST of every brand for the period from `first` to `last`, both included; an unknown tier is tier 0."""
    people = evidence.of_each_person()
    result: dict[str, Fast] = {}
    for brand in sorted({key[0] for key in [*people, *walks]}):
        mine = [walked for key, walked in walks.items() if key[0] == brand]
        starts = [preset.rank(walked.on(first - DAY)) for walked in mine]
        ends = [preset.rank(walked.on(last)) for walked in mine]
        period = list(days_between(first, last))
        members: dict[str, Evidence] = {}
        high: set[str] = set()
        for (its_brand, person), own in people.items():
            on = [m for m in own.memberships if m.kind == "member" and m.on(last)]
            if its_brand == brand and on:
                members[person] = own
                if any((m.tier or 0) >= min_tier for m in on):
                    high.add(person)
        result[brand] = Fast(
            fertility_union=sum(any(preset.rank(w.on(day)) > 0 for day in period) for w in mine),
            fertility_end=sum(end > 0 for end in ends),
            start_stock=sum(start > 0 for start in starts),
            start_stock_eligible=sum(0 < start < preset.top for start in starts),
            deepened=sum(0 < start < end for start, end in zip(starts, ends, strict=True)),
            superiority_members=len(high),
            members=len(members),
            thriving_members=sum(
                is_thriving(own, last, thriving_days, preset.refund_policy) for own in members.values()
            ),
            thriving_superior_members=sum(
                is_thriving(members[person], last, thriving_days, preset.refund_policy) for person in high
            ),
        )
    return result


def tiers(evidence: Evidence, preset: Preset, last: date, *, thriving_days: int = 30) -> dict[Key, list[int]]:
    """Members and thriving members by (brand, tier as text): each in the highest tier held on the day."""
    found: dict[Key, list[int]] = {}
    for (brand, _), own in evidence.of_each_person().items():
        held = [m.tier or 0 for m in own.memberships if m.kind == "member" and m.on(last)]
        if held:
            counted = found.setdefault((brand, str(max(held))), [0, 0])
            counted[0] += 1
            counted[1] += is_thriving(own, last, thriving_days, preset.refund_policy)
    return found


def earlier(period_type: str, start: date) -> tuple[date, date]:
    """First days of the period before, and of the one of last year: for a week the one 364 days before."""
    if period_type == "week":
        return start - 7 * DAY, start - 364 * DAY
    return (start - DAY).replace(day=1), start.replace(year=start.year - 1)


def first_day(walks: Mapping[Key, Walk], brand: str, starts_on: date | None = None) -> date | None:
    """First day of a brand: declared by its source, else the first of its stage history."""
    return starts_on or min((w.first for key, w in walks.items() if key[0] == brand), default=None)


def complete_periods(first: date, horizon: date) -> list[tuple[str, date, date]]:
    """Weeks (Monday to Sunday) and calendar months that lie wholly within the two days, both included."""
    periods: list[tuple[str, date, date]] = []
    for day in days_between(first, horizon):
        if day.weekday() == 0 and day + 6 * DAY <= horizon:
            periods.append(("week", day, day + 6 * DAY))
        if day.day == 1:
            end = (day + 31 * DAY).replace(day=1) - DAY
            if end <= horizon:
                periods.append(("month", day, end))
    return periods


def fast_table(
    evidence: Evidence,
    walks: Mapping[Key, Walk],
    preset: Preset,
    horizons: Mapping[str, date],
    starts_on: date | None = None,
    *,
    min_tier: int = 0,
    thriving_days: int = 30,
) -> dict[tuple[str, str, date, date], Fast]:
    """FAST by (brand, period type, first day, last day) for the complete periods up to the horizons.

    A brand that nothing is known of has no row.
    """
    table: dict[tuple[str, str, date, date], Fast] = {}
    by_period: dict[tuple[date, date], dict[str, Fast]] = {}
    for brand, horizon in horizons.items():
        first = first_day(walks, brand, starts_on)
        for period_type, start, end in complete_periods(first, horizon) if first else []:
            if (start, end) not in by_period:
                by_period[start, end] = fast(
                    evidence, walks, preset, start, end, min_tier=min_tier, thriving_days=thriving_days
                )
            if brand in by_period[start, end]:
                table[brand, period_type, start, end] = by_period[start, end][brand]
    return table
