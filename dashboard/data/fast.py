"""FAST by week and month, with the numerators and denominators of each ratio."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd

from dashboard.data.release import ask

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
# Complete weeks or months of one preset and brand, up to a day; and the last of them.
PERIODS = "preset = $preset and brand_id = $brand and period_type = $period_type and period_end <= $last"
LAST_PERIOD = f"{PERIODS} qualify period_start = max(period_start) over ()"
RATES = {metric for metric, (_, denominator) in METRICS.items() if denominator}


def fast(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, period_type: str, last: date
) -> pd.DataFrame:
    """Row a complete week or month that ends by `last`, oldest first: `fct_fast` without its keys."""
    return ask(
        connection,
        f"select * exclude (preset, brand_id) from fct_fast where {PERIODS} order by period_start",
        preset=preset,
        brand=brand,
        period_type=period_type,
        last=last,
    )


def changes(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, period_type: str, last: date
) -> pd.DataFrame:
    """Row a metric of the last complete week or month that ends by `last`, as in `fct_fast_changes`."""
    return ask(
        connection,
        f"""
        select
            period_start, period_end, metric, numerator, denominator, value,
            previous_value, change_on_previous, last_year_value, change_on_last_year
        from fct_fast_changes
        where {LAST_PERIOD}
        order by metric
        """,
        preset=preset,
        brand=brand,
        period_type=period_type,
        last=last,
    )


def tiers(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, period_type: str, last: date
) -> pd.DataFrame:
    """Row a membership tier of the last complete week or month that ends by `last`."""
    return ask(
        connection,
        f"""
        select period_start, period_end, tier, members, thriving_members, thriving_rate
        from fct_fast_tiers
        where {LAST_PERIOD}
        order by tier
        """,
        preset=preset,
        brand=brand,
        period_type=period_type,
        last=last,
    )
