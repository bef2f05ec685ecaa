"""The scorecard of a period, beside what it is compared with: another period, or another brand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from re import findall
from typing import Any

import pandas as pd

# Kinds of periods in the order in which pages offer them; the first that a brand has is shown first.
KINDS = ("month", "week", "day", "four_weeks", "quarter", "year", "campaign")
# Days that somebody chose, which `dim_period` does not have.
RANGE = "range"
# Kinds of comparison; the first that a period has is made first.
COMPARISONS = ("previous", "baseline", "year_ago", "week_ago")
# Columns of `fct_scorecard` on the pages that are amounts; the others are counts.
MONEY = ("paid_amount", "refunded_amount")
# Members that name nobody and nothing.
NONE, SMALL = "(none)", "(small cells)"

# One row per period to choose from, the newest first.
OFFERED_PERIODS = f"""
    select period_id, period_type, period_start, period_end, campaign_id
    from dim_period
    where brand_id = $brand and period_type in {KINDS}
    order by period_end desc, period_start desc, period_id
"""
# One row per other brand that has the chosen period.
OTHERS = "select distinct brand_id from dim_period where period_id = $period and brand_id <> $brand"
# One row per period that the chosen one can be compared with.
BASES = f"""
    select comparison_kind, base_period_id, base_start, base_end, is_contaminated
    from dim_comparison
    where brand_id = $brand and period_id = $period and comparison_kind in {COMPARISONS}
"""
# One row per campaign of the brand: its days, for the bands of charts.
CAMPAIGNS = """
    select campaign_id, period_start, period_end
    from dim_period
    where brand_id = $brand and period_type = 'campaign' and period_end >= $first and period_start <= $last
    order by period_start, campaign_id
"""
# One row per measure that is a ratio.
MEASURES = "select measure, unit, name_en, name_zh, numerator, denominator from dim_measure order by measure"
# Slices with few enough members to be asked for together, and that of products.
_FEW, _PRODUCTS = "slice not in ('product', 'category_buyer_class')", "slice = 'product'"


def _both(now: str, base: str) -> str:
    """All figures of the rows that meet a condition, and of those of the base: `is_base` tells which."""
    return " union all ".join(
        f"select {is_base} as is_base, period_start as day, * exclude (brand_id, currency)"
        f" from fct_scorecard where {condition}"
        for is_base, condition in (("false", now), ("true", base))
    )


def _in_period(of_slice: str) -> str:
    """Members of slices that meet a condition, in the period and in its base."""
    return _both(
        f"brand_id = $brand and period_id = $period and {of_slice}",
        f"brand_id = $base_brand and period_id = $base and {of_slice}",
    )


def _by_day(of_slice: str) -> str:
    """Members of slices that meet a condition, on each day of the period and of its base."""
    return _both(
        f"brand_id = $brand and period_type = 'day' and period_start between $first and $last and {of_slice}",
        "brand_id = $base_brand and period_type = 'day' and period_start between $base_first and $base_last"
        f" and {of_slice}",
    )


def _with_ratios(figures: str, ratios: Iterable[Any]) -> str:
    """A query for figures and these ratios of them; to join the mart of ratios takes longer."""
    formulas = [
        f"({one.numerator})::double / nullif({one.denominator}, 0) as {one.measure}" for one in ratios
    ]
    return f"select {', '.join(['*', *formulas])} from ({figures})"


def figures_of_members(ratios: Iterable[Any]) -> str:
    """One row per member of every slice with few, in the period and in its base. `ratios`: of MEASURES."""
    return f"{_with_ratios(_in_period(_FEW), ratios)} order by slice, is_base, member, submember"


def figures_of_products(ratios: Iterable[Any]) -> str:
    """One row per product in the period and in its base. `ratios`: of MEASURES."""
    return f"{_with_ratios(_in_period(_PRODUCTS), ratios)} order by is_base, member"


def figures_by_day(ratios: Iterable[Any], columns: Iterable[str]) -> str:
    """One row per day of a member, from `first` to `last` and from `base_first` to `base_last`.

    `ratios`: of MEASURES; `columns`: figures and ratios that are asked for.
    """
    told = ", ".join(dict.fromkeys(["is_base", "day", "slice", "member", *columns]))
    figures = _with_ratios(_by_day("slice = $slice and member = $member"), ratios)
    return f"select {told} from ({figures}) order by is_base, day"


# Figures on the pages that add up over days; people do not, who may come on several.
ACTS = (
    *("views", "visits", "one_view_visits", "dwell_seconds", "dwell_views"),
    *("orders", "priced_orders", "units", "paid_amount"),
    *("refunds", "refunded_amount", "refunded_orders"),
)


def sums_of_members(ratios: Iterable[Any]) -> str:
    """One row per member of every slice with few, in all days of the period and in all of its base.

    Of `ratios`, rows of MEASURES, it has those of figures that add up.
    """
    sums = ", ".join(f"sum({act}) as {act}" for act in ACTS)
    figures = f"select slice, is_base, member, {sums} from ({_by_day(_FEW)}) group by slice, is_base, member"
    known = [one for one in ratios if {*findall(r"\w+", f"{one.numerator} {one.denominator}")} <= {*ACTS}]
    return f"{_with_ratios(figures, known)} order by slice, is_base, member"


# One row per product: what people call it.
PRODUCTS = """
    select member as product_id, coalesce(any_value(product_name order by source_id), member) as name
    from dim_product
    where brand_id in ($brand, $base_brand)
    group by member
"""
# One row per category: what people call it.
CATEGORIES = """
    select category_id, coalesce(any_value(category_name order by source_id), category_id) as name
    from dim_product
    where brand_id in ($brand, $base_brand) and category_id is not null
    group by category_id
"""
# One row per product of the period in one ranking, the first first.
RANKING = """
    select rank_no, product_id, value, share, cumulative_share, is_hit
    from product_ranking
    where brand_id = $brand and period_id = $period and ranking = $ranking
    order by rank_no
"""
RANKINGS = ("paid_amount", "visitors", "new_buyers", "repeat_buyers")
# One row per product, measure and day or week of the period that was judged and found unusual.
ABNORMAL = """
    select period_start, period_end, product_id, measure, value, median, deviation, verdict, money_lost
    from abnormal_products
    where
        brand_id = $brand and period_type = $every and period_start between $first and $last
        and verdict <> 'usual'
    order by period_start desc, verdict = 'fall' desc, money_lost desc nulls last, product_id, measure
"""
# One row per category whose money changed, and the letters that its change is made of.
GROWTH = """
    select
        category_id, amount_0::double as amount_0, amount_1::double as amount_1, gain::double as gain,
        retain::double as retain, boost::double as boost, other_change::double as other_change,
        is_entered, is_left, currency
    from fct_grow
    where
        brand_id = $brand and period_id = $period and comparison_kind = $compare
        and money_basis = $basis and buyer_class = $buyer_class
    order by abs(amount_1 - amount_0) desc, category_id
"""
LETTERS = ("gain", "retain", "boost", "other_change")
# One row each for the period and its base: all the money whose change the letters of all buyers add up to.
WHOLE = """
    select
        period_id is distinct from $period as is_base,
        paid_amount::double as gross,
        (
            paid_amount - coalesce(refunded_as_known, 0) - coalesce(unlinked_refund_amount, 0)
            + coalesce(adjustment_amount, 0)
        )::double as net_as_known
    from fct_scorecard
    where brand_id = $brand and slice = 'all' and period_id in ($period, $base)
    order by is_base
"""
# One row per class of pages that people moved to or from.
PATHS = """
    select from_class, to_class, moves::bigint as moves, visits::bigint as visits
    from fct_path_flow
    where brand_id = $brand and period_id = $period
    order by moves desc, from_class, to_class
"""


def of_period(figures: pd.DataFrame) -> pd.DataFrame:
    """Of figures with `is_base` the rows of the period itself."""
    return figures[~figures["is_base"].astype(bool)]


def of_base(figures: pd.DataFrame) -> pd.DataFrame:
    """Of figures with `is_base` the rows of the period that it is compared with."""
    return figures[figures["is_base"].astype(bool)]


def paired(figures: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A measure of the members of one slice: a row per member of either period, with `now` and `before`."""
    figures = figures[["is_base", "member", measure]]
    sides: Mapping[str, pd.DataFrame] = {"now": of_period(figures), "before": of_base(figures)}
    columns = {side: rows.set_index("member")[measure].astype("Float64") for side, rows in sides.items()}
    return pd.DataFrame(columns).rename_axis("member").reset_index()
