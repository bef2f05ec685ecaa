"""Traffic and trade of the small world that the dashboard shows: every cell drawn from its own name.

Ratios are divided here; what a page says of a cell is looked up with `cell`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

DAY = timedelta(days=1)
CAMPAIGN = "spring"
MEMBERS = {
    "all": [""],
    "hour": ["09", "21"],
    "region": ["north", "(small cells)"],
    "channel": ["search", "(none)"],
    "device": ["app"],
    "campaign": [CAMPAIGN, "(none)"],
    "category": ["lamps", "(none)"],
    "buyer_class": ["new", "returning", "(none)"],
    "page_class": ["home", "product"],
    "refund_reason": ["broken"],
    "product": ["tea", "cup", "pot"],
}
COUNTS = [
    *("visitors", "new_visitors", "visits", "one_view_visits", "views", "dwell_seconds", "dwell_views"),
    *(
        "buyers",
        "new_buyers",
        "repeat_buyers",
        "orders",
        "units",
        "paid_amount",
        "refunded_amount",
        "refunds",
    ),
]
# Measure, numerator, denominator, unit.
RATES = {
    "amount_per_buyer": ("paid_amount", "buyers", "money"),
    "pay_conversion": ("buyers", "visitors", "share"),
    "views_per_visitor": ("views", "visitors", "number"),
    "bounce_visit": ("one_view_visits", "visits", "share"),
    "stay_per_visit": ("dwell_seconds", "visits", "seconds"),
    "stay_per_view": ("dwell_seconds", "dwell_views", "seconds"),
    "refund_rate_amount": ("refunded_amount", "paid_amount", "share"),
}
# Of the campaign against its baseline, by category: money before, letters, money after.
GROWTH = {"lamps": (100.0, 30.0, -10.0, 5.0, 0.0, 125.0), "(none)": (0.0, 0.0, 0.0, 0.0, 7.0, 0.0)}


class Period(NamedTuple):
    """A row of `dim_period`."""

    period_id: str
    kind: str
    first: date
    last: date


def periods(first: date, horizon: date) -> list[Period]:
    """Days, weeks, the month, and a campaign with its baseline."""
    days = [Period(f"day:{day}", "day", day, day) for day in pd.date_range(first, horizon).date]
    weeks = [
        Period(f"week:{sunday - 6 * DAY}", "week", sunday - 6 * DAY, sunday)
        for sunday in pd.date_range(first, horizon, freq="W-SUN").date
    ]
    month = Period(f"month:{first}", "month", first, first + 30 * DAY)
    of_campaign = [
        Period(f"{kind}:{CAMPAIGN}", kind, start, start + 6 * DAY)
        for kind, start in (("campaign", first + 21 * DAY), ("baseline", first + 14 * DAY))
    ]
    return [*days, *weeks, month, *of_campaign]


def cell(brand: str, period_id: str, slice_name: str = "all", member: str = "") -> dict[str, float]:
    """All figures of one member in one period."""
    dice = random.Random(f"{brand} {period_id} {slice_name} {member}")
    told = {name: float(dice.randint(1, 900)) for name in COUNTS}
    return told | {rate: told[above] / told[below] for rate, (above, below, _) in RATES.items()}


def base_of(period: Period, known: list[Period]) -> tuple[str, Period] | None:
    """How a period is compared, and with which one."""
    kind, end = ("baseline", None) if period.kind == "campaign" else ("previous", period.first - DAY)
    for other in known:
        if other.kind == ("baseline" if end is None else period.kind) and end in (None, other.last):
            return kind, other
    return None


def marts(brands: dict[str, tuple[str, str, date]], first: date) -> dict[str, pd.DataFrame]:
    """The marts that pages about periods read."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in COLUMNS}
    for brand, (_, currency, horizon) in brands.items():
        known = periods(first, horizon)
        for period in known:
            own = {
                "brand_id": brand,
                "period_id": period.period_id,
                "period_type": period.kind,
                "period_start": period.first,
                "period_end": period.last,
            }
            campaign = CAMPAIGN if period.kind in ("campaign", "baseline") else None
            rows["dim_period"].append(own | {"campaign_id": campaign, "is_contaminated": False})
            if base := base_of(period, known):
                told = {"comparison_kind": base[0], "base_period_id": base[1].period_id}
                told |= {"base_start": base[1].first, "base_end": base[1].last, "is_contaminated": True}
                rows["dim_comparison"].append(own | told)
            for name, member in cells_of(period):
                key = own | {"slice": name, "member": member, "submember": "", "currency": currency}
                told = cell(brand, period.period_id, name, member)
                rows["fct_scorecard"].append(key | {count: told[count] for count in COUNTS})
            rows["product_ranking"] += ranked(own, brand)
            if period.kind == "week":
                odd = {"product_id": "pot", "measure": "buyers", "value": 2, "median": 20, "deviation": -6.0}
                rows["abnormal_products"].append(own | odd | {"verdict": "fall", "money_lost": 77})
            if period.kind in ("day", "week", "month"):
                moved = {"from_class": "home", "to_class": "product", "moves": 41, "visits": 12}
                rows["fct_path_flow"].append(own | moved)
            if period.kind == "campaign":
                rows["fct_grow"] += grown(own, currency)
    measures = [
        {"measure": rate, "numerator": above, "denominator": below, "unit": unit}
        | {"name_en": rate.capitalize(), "name_zh": f"{rate} 率"}
        for rate, (above, below, unit) in RATES.items()
    ]
    products = [
        {"source_id": "shop", "product_id": name, "member": name, "brand_id": brand, "category_id": "lamps"}
        | {"product_name": name.title(), "category_name": "Lamps & lights"}
        for brand in brands
        for name in MEMBERS["product"]
    ]
    frames = {name: pd.DataFrame(told, columns=COLUMNS[name].split()) for name, told in rows.items()}
    return frames | {"dim_measure": pd.DataFrame(measures), "dim_product": pd.DataFrame(products)}


KEY = "brand_id period_id period_type period_start period_end"
CELL = f"{KEY} slice member submember currency"
COLUMNS = {
    "dim_period": f"{KEY} campaign_id is_contaminated",
    "dim_comparison": f"{KEY} comparison_kind base_period_id base_start base_end is_contaminated",
    "fct_scorecard": f"{CELL} {' '.join(COUNTS)}",
    "product_ranking": f"{KEY} ranking rank_no product_id value share cumulative_share is_hit",
    "abnormal_products": f"{KEY} product_id measure value median deviation verdict money_lost",
    "fct_path_flow": f"{KEY} from_class to_class moves visits",
    "fct_grow": f"{KEY} comparison_kind currency money_basis category_id buyer_class amount_0 amount_1 gain"
    " retain boost other_change is_entered is_left",
}


def cells_of(period: Period) -> Iterator[tuple[str, str]]:
    """Slice and member of the cells of a period; regions are counted by month."""
    for name, members in MEMBERS.items():
        if name == "region" and period.kind != "month":
            continue
        for member in members:
            yield name, member


def ranked(own: dict[str, object], brand: str) -> Iterator[dict[str, object]]:
    """The products of a period in each list."""
    for ranking in ("paid_amount", "visitors", "new_buyers", "repeat_buyers"):
        values = {
            product: cell(brand, str(own["period_id"]), "product", product)[ranking]
            for product in MEMBERS["product"]
        }
        best, so_far = sorted(values, key=lambda product: -values[product]), 0.0
        for number, product in enumerate(best, start=1):
            share = values[product] / sum(values.values())
            so_far += share
            told = {"ranking": ranking, "rank_no": number, "product_id": product, "value": values[product]}
            yield own | told | {"share": share, "cumulative_share": so_far, "is_hit": None}


def grown(own: dict[str, object], currency: str) -> Iterator[dict[str, object]]:
    """What the campaign's money is made of, for all buyers and for new ones."""
    names = ("amount_0", "gain", "retain", "boost", "other_change", "amount_1")
    for buyer_class, (category, told) in itertools.product(("all", "new"), GROWTH.items()):
        key = {"comparison_kind": "baseline", "currency": currency, "money_basis": "gross"}
        key |= {"buyer_class": buyer_class, "category_id": category, "is_entered": False, "is_left": False}
        yield own | key | dict(zip(names, told, strict=True))
