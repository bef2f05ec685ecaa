"""What the views over the scorecard must say, in plain Python from the specification."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from statistics import median
from typing import Any

Row = Mapping[str, Any]
RATIOS = """
views_per_visitor = views / visitors
stay_per_visitor_day = dwell_seconds / visitor_days
stay_per_visit = dwell_seconds / visits
stay_per_view = dwell_seconds / dwell_views
bounce_visitor = one_view_visitor_days / visitor_days
bounce_visit = one_view_visits / visits
cart_rate = cart_persons / visitors
favorite_rate = favorite_persons / visitors
pay_conversion = buyers / visitors
order_to_pay = buyers / created_buyers
amount_per_buyer = attributed_amount / priced_buyers
amount_per_order = paid_amount / priced_orders
uv_value = paid_amount / visitors
uv_value_attributed = attributed_amount / visitors
units_per_order = units / orders
repeat_rate = repeat_buyers / buyers
new_buyer_share = new_buyers / buyers
refund_rate_amount = refunded_amount / paid_amount
refund_rate_orders = refunded_orders / orders
refund_documents_per_order = refunds / orders
refund_rate_cohort_amount = refunded_as_known / paid_amount
refund_rate_cohort_orders = orders_refunded_as_known / orders
discount_rate = discount_amount / list_amount
benefit_share = benefit_orders / orders
active_rate = products_sold / products_on_sale
gross_margin = paid_amount - refunded_as_known - cost_amount / paid_amount
good_rate = good_reviewers / reviewers
bad_rate = bad_reviewers / reviewers
"""
RANKINGS = {
    "paid_amount": "goods_paid_amount",
    "visitors": "visitors",
    "new_buyers": "new_buyers",
    "repeat_buyers": "repeat_buyers",
}
JUDGED = {"units": 20, "visitors": 20, "buyers": 5}
WEEKS = 8


def ratios(row: Row) -> dict[str, float | None]:
    """All ratios of a row of the scorecard."""
    found: dict[str, float | None] = {}
    for line in RATIOS.split("\n")[1:-1]:
        name, formula = line.split(" = ")
        parts, below = formula.split(" / ")
        first, *others = (row[part] for part in parts.split(" - "))
        known = None not in (first, *others) and row[below]
        found[name] = float(first - sum(others)) / float(row[below]) if known else None
    return found


def compared(now: Row | None, base: Row | None, sums: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Measure, value, base value, change and rate of change of a member that is on one side at least."""
    is_hidden = "region" in {row["slice"] for row in (now, base) if row}
    for name in sums:
        value, before = (row and row[name] for row in (now, base))
        if not is_hidden and now is None and before is not None:
            value = 0
        if not is_hidden and base is None and value is not None:
            before = 0
        yield from _compared(name, value, before)
    of_now, of_base = (ratios(row) if row else {} for row in (now, base))
    for name in of_now or of_base:
        yield from _compared(name, of_now.get(name), of_base.get(name))


def _compared(name: str, value: Any, before: Any) -> Iterator[tuple[Any, ...]]:
    if value is None and before is None:
        return
    change = None if value is None or before is None else value - before
    rate = float(change) / float(before) if change is not None and before > 0 else None
    yield (name, *(None if one is None else float(one) for one in (value, before, change, rate)))


def goods(scorecard: Iterable[Row]) -> list[Row]:
    """Rows of products that were sold or looked at as such."""
    return [
        row
        for row in scorecard
        if row["slice"] == "product"
        and row["member"] != "(none)"
        and ((row["products_sold"] or 0) > 0 or (row["products_viewed"] or 0) > 0)
    ]


def ranked(rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    """Ranking, rank, product, value, share, cumulative share and whether it is a hit, of one period."""
    rows = list(rows)
    for ranking, column in RANKINGS.items():
        listed = sorted(
            (row for row in rows if (row[column] or 0) > 0),
            key=lambda row: (-row[column], -(row["goods_paid_amount"] or 0), row["member"]),
        )
        total, before = sum(row[column] for row in listed), 0
        for number, row in enumerate(listed, start=1):
            is_hit = before < total / 2 if ranking == "paid_amount" else None
            if row["period_type"] != "four_weeks":
                is_hit = None
            before += row[column]
            shares = (float(row[column]) / float(total), float(before) / float(total))
            yield (ranking, number, row["member"], float(row[column]), *shares, is_hit)


def abnormal(
    period_type: str,
    starts: Mapping[date, date],
    rows: Iterable[Row],
    sale: Mapping[str, tuple[date | None, date | None]],
) -> Iterator[tuple[Any, ...]]:
    """First day, product, measure, value, median, MAD, periods and verdict, of the goods of one brand.

    `starts` are the first days of its complete periods, with their last; `sale` is the day that a product was
    listed and the day that it went off sale.
    """
    found: defaultdict[str, dict[date, Row]] = defaultdict(dict)
    first_seen: dict[str, date] = {}
    for row in rows:
        if row["period_type"] == period_type:
            found[row["member"]][row["period_start"]] = row
        if row["period_type"] == "day":
            first_seen[row["member"]] = min(first_seen.get(row["member"], date.max), row["period_start"])
    for product, first in first_seen.items():
        listed, delisted = sale.get(product, (None, None))
        for start, end in starts.items():
            earlier = [start - timedelta(days=7 * back) for back in range(1, WEEKS + 1)]
            bases = [day for day in earlier if day in starts and starts[day] >= (listed or first)]
            if len(bases) < 4 or (delisted and delisted <= end):
                continue
            known: dict[str, tuple[float, float, float]] = {}
            for name in ("paid_amount", *JUDGED):
                values = [
                    found[product][day][name] if day in found[product] else 0 for day in (start, *bases)
                ]
                if None not in values:
                    value, *past = map(float, values)
                    middle = median(past)
                    known[name] = (value, middle, median(abs(one - middle) for one in past))
            enough = {name for name, least in JUDGED.items() if name in known and known[name][1] >= least}
            judged = {*enough, *({"paid_amount"} if enough & {"units", "buyers"} else ())} & known.keys()
            for name in judged:
                value, middle, mad = known[name]
                away = value - middle
                scale = max(mad, 0.1 * middle)
                verdict = "usual" if abs(away) <= 3 * scale else "rise" if away > 0 else "fall"
                yield start, product, name, value, middle, mad, len(bases), verdict
