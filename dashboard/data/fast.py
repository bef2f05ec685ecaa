"""FAST by week and month, with the numerators and denominators of each ratio."""

from __future__ import annotations

import pandas as pd

from dashboard.data.aipl import PEOPLE_WHO_DEEPENED

# Metric, numerator, denominator: columns of fct_fast. Counts have no denominator.
METRICS: dict[str, tuple[str, str | None]] = {
    "fertility_union": ("fertility_union", None),
    "fertility_end": ("fertility_end", None),
    "advancing_rate": ("deepened", "start_stock"),
    "advancing_rate_eligible": ("deepened", "start_stock_eligible"),
    "superiority_members": ("superiority_members", None),
    "thriving_rate": ("thriving_members", "members"),
    "thriving_rate_superior": ("thriving_superior_members", "superiority_members"),
}
# The stated variant of each letter first.
LETTERS: dict[str, tuple[str, ...]] = {
    "F": ("fertility_union", "fertility_end"),
    "A": ("advancing_rate", "advancing_rate_eligible"),
    "S": ("superiority_members",),
    "T": ("thriving_rate", "thriving_rate_superior"),
}
RATES = {metric for metric, (_, denominator) in METRICS.items() if denominator}

# Complete weeks or months of one preset and brand, up to a day; and the last of them.
_PERIODS = "preset = $preset and brand_id = $brand and period_type = $period_type and period_end <= $day"
_LAST_PERIOD = f"{_PERIODS} qualify period_start = max(period_start) over ()"

# One row per complete week or month, oldest first.
FAST = f"select * exclude (preset, brand_id) from fct_fast where {_PERIODS} order by period_start"
# One row per metric of the last one.
CHANGES = f"""
    select
        period_start, period_end, metric, numerator, denominator, value,
        previous_value, change_on_previous, last_year_value, change_on_last_year
    from fct_fast_changes
    where {_LAST_PERIOD}
    order by metric
"""
# One row per membership tier of the last one.
TIERS = f"""
    select period_start, period_end, tier, members, thriving_members, thriving_rate
    from fct_fast_tiers
    where {_LAST_PERIOD}
    order by tier
"""


# Who is behind the counts of a period from `first` to `last`: one row per person.
_IN_STOCK = "preset = $preset and brand_id = $brand and stage_rank > 0 and valid_from <= $last"
FERTILE = f"""
    select person_id, min(valid_from) as since, nullif(max(valid_to), date '9999-12-31') as until
    from fct_aipl_stage_history
    where {_IN_STOCK} and valid_to > {{since}}
    group by person_id
    order by since desc, person_id
"""
MEMBERS = """
    select person_id, tier, is_thriving
    from fct_member_history
    where preset = $preset and brand_id = $brand and valid_from <= $last and $last < valid_to and {which}
    order by tier desc, person_id
"""
# Column of FAST that counts them, and the query of the list; who moved up is asked by `period_start`.
PEOPLE = {
    "fertility_union": FERTILE.format(since="$first"),
    "fertility_end": FERTILE.format(since="$last"),
    "deepened": PEOPLE_WHO_DEEPENED,
    "members": MEMBERS.format(which="true"),
    "superiority_members": MEMBERS.format(which="is_superior"),
    "thriving_members": MEMBERS.format(which="is_thriving"),
    "thriving_superior_members": MEMBERS.format(which="is_thriving and is_superior"),
}


def letter(periods: pd.DataFrame, name: str) -> pd.DataFrame:
    """Of FAST, the columns of one letter: its metrics, with their numerators and denominators."""
    metrics = LETTERS[name]
    parts = [part for metric in metrics for part in METRICS[metric] if part]
    return periods[list(dict.fromkeys(["period_start", "period_end", *metrics, *parts]))]
