"""Periods that are reported: of the calendar, and campaigns with what they are held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
YEAR_OF_WEEKS = timedelta(days=364)


@dataclass(frozen=True)
class Campaign:
    """A campaign of a brand; the baseline is declared, or both its days are None."""

    campaign_id: str
    starts: date
    ends: date
    warm_up: date | None = None
    baseline_from: date | None = None
    baseline_to: date | None = None

    @property
    def baseline(self) -> tuple[date, date]:
        """Days to hold it against: of the same weekdays, before the campaign and its warm-up."""
        if self.baseline_from is not None and self.baseline_to is not None:
            return self.baseline_from, self.baseline_to
        length = (self.ends - (self.warm_up or self.starts)).days + 1
        back = -(-length // 7) * WEEK
        return self.starts - back, self.ends - back

    @property
    def after(self) -> tuple[date, date]:
        """As many days, of the same weekdays, as soon after it as may be."""
        on = -(-((self.ends - self.starts).days + 1) // 7) * WEEK
        return self.starts + on, self.ends + on


@dataclass(frozen=True)
class Period:
    """A complete period of a brand, both days included."""

    period_type: str
    start: date
    end: date
    campaign_id: str | None = None
    is_contaminated: bool = False

    @property
    def period_id(self) -> str:
        """The name that comparisons use."""
        return f"{self.period_type}:{self.campaign_id or self.start}"

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1


def report_periods(first: date, horizon: date, campaigns: Iterable[Campaign] = ()) -> list[Period]:
    """All periods that lie wholly within the two days, both included."""
    found = [Period(*named) for day in _days(first, horizon) for named in _beginning_on(day)]
    campaigns = list(campaigns)
    for own in campaigns:
        others = [other for other in campaigns if other.campaign_id != own.campaign_id]
        base = own.baseline
        touched = any(other.starts <= base[1] and base[0] <= other.ends for other in others)
        found += [
            Period("campaign", own.starts, own.ends, own.campaign_id),
            Period("baseline", *base, own.campaign_id, touched),
            Period("after", *own.after, own.campaign_id),
        ]
    return [period for period in found if first <= period.start and period.end <= horizon]


def _beginning_on(day: date) -> Iterator[tuple[str, date, date]]:
    yield "day", day, day
    if day.weekday() == 0:
        yield "week", day, day + 6 * DAY
        yield "four_weeks", day, day + 27 * DAY
    if day.day == 1:
        yield "month", day, _months_later(day, 1) - DAY
        if day.month in (1, 4, 7, 10):
            yield "quarter", day, _months_later(day, 3) - DAY
        if day.month == 1:
            yield "year", day, date(day.year, 12, 31)


def _months_later(first: date, months: int) -> date:
    year, month = divmod(first.month - 1 + months, 12)
    return date(first.year + year, month + 1, 1)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * DAY


def comparisons(periods: Iterable[Period]) -> list[tuple[str, Period, Period]]:
    """Kind, period and base, where a brand has both."""
    periods = list(periods)
    by_start = {(p.period_type, p.start): p for p in periods if p.campaign_id is None}
    by_end = {(p.period_type, p.end): p for p in periods if p.campaign_id is None}
    of_campaign = {(p.period_type, p.campaign_id): p for p in periods if p.campaign_id is not None}
    pairs: list[tuple[str, Period, Period | None]] = []
    for period in periods:
        kind, start = period.period_type, period.start
        if period.campaign_id is not None:
            base = of_campaign.get(("baseline", period.campaign_id))
            pairs += [(name, period, base) for name in ("baseline", "after") if kind == _of(name)]
            continue
        pairs.append(("previous", period, by_end.get((kind, start - DAY))))
        if kind in ("day", "week"):
            pairs.append(("year_ago", period, by_start.get((kind, start - YEAR_OF_WEEKS))))
        if kind in ("month", "quarter", "year"):
            pairs.append(("year_ago", period, by_start.get((kind, start.replace(year=start.year - 1)))))
        if kind == "day":
            pairs.append(("week_ago", period, by_start.get((kind, start - WEEK))))
    return [(name, period, base) for name, period, base in pairs if base is not None]


def _of(kind: str) -> str:
    """The type of periods that a comparison with the baseline looks at."""
    return {"baseline": "campaign", "after": "after"}[kind]
