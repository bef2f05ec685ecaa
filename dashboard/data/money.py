"""GMV by day, and what a target lacks."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd

from dashboard.data.release import ask


def daily(
    connection: duckdb.DuckDBPyConnection, brand: str, currency: str, first: date, last: date
) -> pd.DataFrame:
    """Row a day from `first` to `last`, also one without an order: money of one brand in one currency.

    Columns `day`, `paid_orders`, `unknown_amount_orders`, `gross`, `refunded`, `net`, which takes a refund
    off the day it was given. `gross` is NULL on a day whose orders have no known amount.
    """
    return ask(
        connection,
        """
        with days as (
            select unnest(generate_series($first::date, $last::date, interval 1 day))::date as day
        )

        select
            days.day,
            coalesce(money.paid_orders, 0) as paid_orders,
            coalesce(money.unknown_amount_orders, 0) as unknown_amount_orders,
            case when money.money_date is null then 0 else money.gross_paid_amount end::double as gross,
            case when money.money_date is null then 0 else money.refunded_amount end::double as refunded,
            case when money.money_date is null then 0 else money.net_by_refund_day end::double as net
        from days
        left join fct_money_daily as money
            on days.day = money.money_date and money.brand_id = $brand and money.currency = $currency
        order by days.day
        """,
        brand=brand,
        currency=currency,
        first=first,
        last=last,
    )


def other_currencies(
    connection: duckdb.DuckDBPyConnection, brand: str, currency: str, first: date, last: date
) -> list[str]:
    """Currencies that the brand was paid in beside its own: money is never added across them."""
    found = ask(
        connection,
        """
        select distinct currency from fct_money_daily
        where brand_id = $brand and currency <> $currency and money_date between $first and $last
        order by currency
        """,
        brand=brand,
        currency=currency,
        first=first,
        last=last,
    )
    return [str(code) for code in found["currency"]]


def gaps(connection: duckdb.DuckDBPyConnection, preset: str, brand: str) -> pd.DataFrame:
    """Row a target period and method, oldest first, as of the horizon: target, paid so far, forecast, gap."""
    return ask(
        connection,
        """
        select
            period_start, period_end, method, as_of_date, status, currency,
            target_gmv::double as target, actual_so_far::double as actual, days_remaining,
            (actual_so_far + forecast_remaining_p10)::double as forecast_p10,
            forecast_gmv::double as forecast,
            (actual_so_far + forecast_remaining_p90)::double as forecast_p90,
            gap::double as gap, extra_prospects, buyer_rate_lift
        from fct_consumer_gap
        where preset = $preset and brand_id = $brand
        order by period_start, period_end, method
        """,
        preset=preset,
        brand=brand,
    )
