"""GMV by day, what a target lacks, and how well past forecasts met what came."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

# Fewer past forecasts say little of the next one.
FEWEST_BACKTESTS = 5

# One row per day from `first` to `day`, also without an order: money of one brand in one currency. `net`
# takes a refund off the day it was given; `gross` is NULL on a day whose orders have no known amount, and
# `refunded` on one whose refunds have none.
DAILY = """
    with days as (
        select unnest(generate_series($first::date, $day::date, interval 1 day))::date as day
    )

    select
        days.day,
        coalesce(money.paid_orders, 0) as paid_orders,
        coalesce(money.unknown_amount_orders, 0) as unknown_amount_orders,
        coalesce(money.unknown_amount_refunds, 0) as unknown_amount_refunds,
        case when money.money_date is null then 0 else money.gross_paid_amount end::double as gross,
        case when money.money_date is null then 0 else money.refunded_amount end::double as refunded,
        case when money.money_date is null then 0 else money.net_by_refund_day end::double as net
    from days
    left join fct_money_daily as money
        on days.day = money.money_date and money.brand_id = $brand and money.currency = $currency
    order by days.day
"""
# Currencies that the brand was paid in besides its own: money is never added across them.
OTHER_CURRENCIES = """
    select distinct currency
    from fct_money_daily
    where brand_id = $brand and currency <> $currency and money_date between $first and $day
    order by currency
"""
# One row per target period and method, oldest first, as of the horizon.
GAPS = """
    select
        period_start, period_end, method, as_of_date, status, currency,
        target_gmv::double as target, actual_so_far::double as actual, other_currency_orders, days_remaining,
        (actual_so_far + forecast_remaining_p10)::double as forecast_p10,
        forecast_gmv::double as forecast,
        (actual_so_far + forecast_remaining_p90)::double as forecast_p90,
        gap::double as gap, extra_prospects, buyer_rate_lift
    from fct_consumer_gap
    where preset = $preset and brand_id = $brand
    order by period_start, period_end, method
"""
# The same at the end of an earlier day, for targets that had begun: what was paid until then and, where one
# was made on that day, the forecast of the rest. Who is needed to close the gap is told at the horizon alone.
GAPS_ON_DAY = """
    with targets as (
        select
            *,
            least(period_end, $day::date) as paid_until,
            datediff('day', $day::date, period_end) as days_left
        from fct_consumer_gap
        where preset = $preset and brand_id = $brand and period_start <= $day
    ),

    paid as (
        select
            targets.period_start,
            targets.period_end,
            case
                when count(*) filter (money.money_date is not null and money.gross_paid_amount is null) = 0
                    then coalesce(sum(money.gross_paid_amount), 0)
            end as actual
        from (
            select distinct brand_id, currency, period_start, period_end, paid_until from targets
        ) as targets
        left join fct_money_daily as money
            on
                targets.brand_id = money.brand_id
                and targets.currency = money.currency
                and money.money_date between targets.period_start and targets.paid_until
        group by targets.period_start, targets.period_end
    ),

    known as (
        select
            targets.*,
            targets.status in ('starts_before_data', 'currency_differs', 'no_data') as is_unknown,
            paid.actual,
            case when targets.days_left <= 0 then 0 else made.p10 end as p10,
            case when targets.days_left <= 0 then 0 else made.p50 end as p50,
            case when targets.days_left <= 0 then 0 else made.p90 end as p90
        from targets
        inner join paid using (period_start, period_end)
        left join fct_gmv_forecast as made
            on
                targets.preset = made.preset
                and targets.brand_id = made.brand_id
                and targets.method = made.method
                and made.as_of_date = $day
                and made.horizon_days = targets.days_left
    )

    select
        period_start, period_end, method, $day::date as as_of_date,
        case
            when is_unknown then status
            when actual is null then 'amounts_unknown'
            when days_left <= 0 then 'ended'
            when p50 is null then 'not_forecast'
            when p10 is null then 'interval_needs_more_backtests'
            else 'ok'
        end as status,
        currency, target_gmv::double as target,
        case when not is_unknown then actual end::double as actual,
        other_currency_orders, greatest(days_left, 0) as days_remaining,
        case when not is_unknown then actual + p10 end::double as forecast_p10,
        case when not is_unknown then actual + p50 end::double as forecast,
        case when not is_unknown then actual + p90 end::double as forecast_p90,
        case when not is_unknown then target_gmv - actual - p50 end::double as gap,
        null::bigint as extra_prospects, null::double as buyer_rate_lift
    from known
    order by period_start, period_end, method
"""
# One row per method and horizon that was tested on the past.
BACKTESTS = """
    select method, horizon_days, backtests, mape, interval_backtests, intervals_held
    from fct_gmv_backtest
    where preset = $preset and brand_id = $brand and backtests > 0
    order by method, horizon_days
"""


def tested(backtests: pd.DataFrame, days: int) -> pd.DataFrame:
    """Of BACKTESTS a row per method: the horizon nearest to these days, the longer one of two."""
    distance = (backtests["horizon_days"] - days).abs()
    nearest = backtests.assign(distance=distance).sort_values(
        ["distance", "horizon_days"], ascending=[True, False]
    )
    return nearest.drop_duplicates("method").sort_values("method", ignore_index=True)


def better_method(tests: pd.DataFrame, methods: Sequence[str]) -> str:
    """The method of `tested` whose past forecasts were nearer to what came; else the first."""
    known = tests[tests["method"].isin(methods)].sort_values(["mape", "method"])
    return str(known["method"].iloc[0]) if len(known) else methods[0]
