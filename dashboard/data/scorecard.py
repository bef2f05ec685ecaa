"""The scorecard of a period, beside what it is compared with: another period, or another brand."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dashboard.data.release import rows_of

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
_KEY = "brand_id, period_id, period_type, period_start, period_end, slice, member, submember"


def _both(now: str, base: str) -> str:
    """All figures of the rows that meet a condition, and of those of the base: `is_base` tells which."""
    return " union all ".join(
        f"""
        select {is_base} as is_base, period_start as day, figures.* exclude (brand_id, slice, currency)
        from (
            from (from fct_scorecard where {condition})
            inner join (select * exclude (currency) from fct_scorecard_rates where {condition}) using ({_KEY})
        ) as figures
        """
        for is_base, condition in (("false", now), ("true", base))
    )


_DAYS = _both(
    "brand_id = $brand and slice = $slice and period_type = 'day' and period_start between $first and $last",
    "brand_id = $base_brand and slice = $slice and period_type = 'day'"
    " and period_start between $base_first and $base_last",
)
# One row per member of a slice in the period and in its base, with all its figures.
SLICE_MEMBERS = f"""
    from ({
    _both(
        "brand_id = $brand and slice = $slice and period_id = $period",
        "brand_id = $base_brand and slice = $slice and period_id = $base",
    )
}) order by is_base, member, submember
"""
# One row per day of one member of a slice, from `first` to `last`, and from `base_first` to `base_last`.
MEMBER_DAYS = f"from ({_DAYS}) where member = $member order by is_base, day"
# Figures on the pages that add up over days; people do not, who may come on several.
ACTS = (
    *("views", "visits", "one_view_visits", "dwell_seconds", "dwell_views"),
    *("orders", "priced_orders", "units", "paid_amount"),
    *("refunds", "refunded_amount", "refunded_orders"),
)
# One row per member of a slice in all days from `first` to `last`, and in those of the base.
RANGE_MEMBERS = f"""
    select is_base, member, {", ".join(f"sum({act}) as {act}" for act in ACTS)}
    from ({_DAYS})
    group by is_base, member
    order by is_base, member
"""
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
    """Of SLICE_MEMBERS or MEMBER_DAYS the rows of the period itself."""
    return figures[~figures["is_base"].astype(bool)]


def of_base(figures: pd.DataFrame) -> pd.DataFrame:
    """Of SLICE_MEMBERS or MEMBER_DAYS the rows of the period that it is compared with."""
    return figures[figures["is_base"].astype(bool)]


def paired(figures: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Of SLICE_MEMBERS one measure: a row per member of either period, with `now` and `before`."""
    figures = figures[["is_base", "member", measure]]
    sides: Mapping[str, pd.DataFrame] = {"now": of_period(figures), "before": of_base(figures)}
    columns = {side: rows.set_index("member")[measure].astype("Float64") for side, rows in sides.items()}
    return pd.DataFrame(columns).rename_axis("member").reset_index()


def with_rates(sums: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """RANGE_MEMBERS with the ratios of these sums. `measures`: as MEASURES."""
    rates = {
        str(row.measure): sums[row.numerator].astype(float).div(sums[row.denominator].astype(float))
        for row in rows_of(measures)
        if {row.numerator, row.denominator} <= {*sums.columns}
    }
    # A ratio of nothing is unknown.
    return sums.assign(**rates).replace([float("inf"), float("-inf")], float("nan"))
