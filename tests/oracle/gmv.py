"""GMV forecast of the consumer asset, its back-test and the gap to a target, each by its definition."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median

from oracle.rules import Preset
from oracle.stages import DAY, Walk

WEEK = 7 * DAY
LEAST_RATIOS = 5


@dataclass(frozen=True)
class Purchase:
    """What one order paid for one brand; the buyer is None where nobody is known."""

    order: str
    buyer: str | None
    day: date
    amount: float


@dataclass(frozen=True)
class Brand:
    """Everything known of one brand up to its horizon."""

    first_day: date
    horizon: date
    purchases: Sequence[Purchase]
    walks: Mapping[str, Walk]
    preset: Preset

    def segment(self, person: str | None, day: date) -> str:
        """What a person was at the end of a day: a customer from the lowest stage that a paid order gives."""
        walked = self.walks.get(person) if person is not None else None
        rank = self.preset.rank(walked.on(day)) if walked else 0
        paid = [self.preset.rank(r.stage) for r in self.preset.rules if r.touch_kind == "paid_order"]
        if paid and rank >= min(paid):
            return "customer"
        return "prospect" if rank > 0 else "other"

    def persons(self, day: date) -> Counter[str]:
        """Persons by segment at the end of a day."""
        return Counter(self.segment(person, day) for person in self.walks)

    def paid(self, first: date, last: date) -> list[Purchase]:
        """Purchases from the first to the last day, both included."""
        return [p for p in self.purchases if first <= p.day <= last]

    def gmv(self, first: date, last: date) -> float:
        """Money of those days."""
        return math.fsum(p.amount for p in self.paid(first, last))

    def bought(self, start: date, days: int) -> tuple[Counter[str], Counter[str]]:
        """Buyers and spend, by segment at the end of `start`, of the days after it."""
        spend: Counter[tuple[str, str]] = Counter()
        for p in self.paid(start + DAY, start + days * DAY):
            spend[self.segment(p.buyer, start), p.buyer or f"order {p.order}"] += p.amount
        money: Counter[str] = Counter()
        for (segment, _), amount in spend.items():
            money[segment] += amount
        return Counter(segment for segment, _ in spend), money


@dataclass(frozen=True)
class Point:
    """The forecast as one figure, with the ingredients that the gap needs."""

    forecast: float
    customers: int
    customer_aov: float | None
    prospect_rate: float | None
    prospect_aov: float | None


def point(brand: Brand, origin: date, days: int, most_horizons: int = 6) -> Point | None:
    """The formula at an origin; None where the past does not tell enough."""
    starts = [origin - step * days * DAY for step in range(1, most_horizons + 1)]
    starts = [start for start in starts if start >= brand.first_day]
    if not starts:
        return None
    persons, buyers, spend = Counter[str](), Counter[str](), Counter[str]()
    for start in starts:
        persons += brand.persons(start)
        its_buyers, its_spend = brand.bought(start, days)
        buyers += its_buyers
        spend += its_spend
    now, total = brand.persons(origin), 0.0
    rate: dict[str, float | None] = {}
    aov: dict[str, float | None] = {}
    for segment in ("customer", "prospect", "other"):
        rate[segment] = buyers[segment] / persons[segment] if persons[segment] else None
        aov[segment] = spend[segment] / buyers[segment] if buyers[segment] else None
    for segment in ("customer", "prospect"):
        if now[segment] and rate[segment] is None:
            return None
        total += now[segment] * (rate[segment] or 0) * (aov[segment] or 0)
    total += buyers["other"] / len(starts) * (aov["other"] or 0)
    return Point(total, now["customer"], aov["customer"], rate["prospect"], aov["prospect"])


def backtest_origins(brand: Brand, origin: date, days: int, most: int = 12) -> list[date]:
    """Earlier origins, a week apart, whose outcome is complete at `origin`; the latest first."""
    found, earlier = [], origin - WEEK
    while earlier >= brand.first_day and len(found) < most:
        if earlier + days * DAY <= origin:
            found.append(earlier)
        earlier -= WEEK
    return found


@dataclass(frozen=True)
class Forecast:
    """P50, and P10 and P90 where there are enough back-tests."""

    p10: float | None
    p50: float
    p90: float | None


def forecast(brand: Brand, origin: date, days: int) -> Forecast | None:
    """The point forecast spread by what earlier ones missed."""
    own = point(brand, origin, days)
    if own is None:
        return None
    ratios = []
    for earlier in backtest_origins(brand, origin, days):
        its = point(brand, earlier, days)
        if its is not None and its.forecast > 0:
            ratios.append(brand.gmv(earlier + DAY, earlier + days * DAY) / its.forecast)
    ratios.sort()
    n = len(ratios)
    if n < LEAST_RATIOS:
        return Forecast(None, own.forecast, None)
    low, high = max(1, math.floor((n + 1) / 10)), min(n, math.ceil((n + 1) * 9 / 10))
    return Forecast(*(own.forecast * ratio for ratio in (ratios[low - 1], median(ratios), ratios[high - 1])))


@dataclass(frozen=True)
class Backtest:
    """How the past forecasts compare with what came."""

    backtests: int
    mape: float | None
    interval_backtests: int
    coverage: float | None


def backtest(brand: Brand, days: int) -> Backtest:
    """The forecasts of the earlier origins against their outcomes."""
    errors, held = [], []
    for origin in backtest_origins(brand, brand.horizon, days):
        its, actual = forecast(brand, origin, days), brand.gmv(origin + DAY, origin + days * DAY)
        if its is None:
            continue
        if actual > 0:
            errors.append(abs(its.p50 - actual) / actual)
        if its.p10 is not None and its.p90 is not None:
            held.append(round(its.p10, 4) <= round(actual, 4) <= round(its.p90, 4))
    return Backtest(len(errors), fmean(errors) if errors else None, len(held), fmean(held) if held else None)


@dataclass(frozen=True)
class Gap:
    """What a target in progress lacks, and who would fill it."""

    actual_so_far: float
    days_remaining: int
    forecast_gmv: float
    gap: float
    extra_prospects: int | None
    buyer_rate_lift: float | None


def gap(brand: Brand, target: float, first: date, last: date) -> Gap | None:
    """The gap of a period that the brand's horizon lies in, or on the day before; None without a forecast."""
    days = (last - brand.horizon) // timedelta(days=1)
    own, spread = point(brand, brand.horizon, days), forecast(brand, brand.horizon, days)
    if own is None or spread is None:
        return None
    so_far = brand.gmv(first, min(last, brand.horizon))
    lacking = target - so_far - spread.p50
    each = (own.prospect_rate or 0) * (own.prospect_aov or 0)
    lever = own.customers * (own.customer_aov or 0)
    return Gap(
        so_far,
        days,
        so_far + spread.p50,
        lacking,
        math.ceil(max(lacking, 0) / each) if each else None,
        max(lacking, 0) / lever if lever else None,
    )
