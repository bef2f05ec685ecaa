with forecasts as (
    select
        *,
        is_backtest and actual_gmv > 0 and p50 is not null as is_test_of_p50,
        is_backtest and actual_gmv is not null and p10 is not null as is_test_of_interval
    from {{ ref('fct_gmv_forecast') }}
),

tests as (
    select
        preset,
        brand_id,
        method,
        horizon_days,
        sum(case when is_test_of_p50 then 1 else 0 end) as backtests,
        -- Decimals: their sum does not depend on row order.
        sum(
            case
                when is_test_of_p50
                    then {{ decimal_of_double(safe_divide('abs(p50 - actual_gmv)', 'actual_gmv'), 38, 9) }}
            end
        ) as error_shares,
        sum(case when is_test_of_interval then 1 else 0 end) as interval_backtests,
        sum(case when is_test_of_interval and actual_gmv between p10 and p90 then 1 else 0 end)
            as intervals_held,
        max(case when not is_backtest then status end) as live_status,
        min(case when is_backtest then as_of_date end) as first_origin,
        max(case when is_backtest then as_of_date end) as last_origin
    from forecasts
    group by preset, brand_id, method, horizon_days
),

others as (
    select
        tests.preset,
        tests.brand_id,
        tests.method,
        tests.horizon_days,
        sum(days.other_currency_orders) as orders
    from tests
    inner join {{ ref('int_gmv_days') }} as days
        on
            tests.brand_id = days.brand_id
            and days.gmv_date > tests.first_origin
            and days.gmv_date <= {{ add_days('tests.last_origin', 'tests.horizon_days') }}
    group by tests.preset, tests.brand_id, tests.method, tests.horizon_days
)

select
    tests.preset,
    tests.brand_id,
    tests.method,
    tests.horizon_days,
    cast(backtests as bigint) as backtests,
    {{ safe_divide('error_shares', 'backtests') }} as mape,
    cast(interval_backtests as bigint) as interval_backtests,
    cast(intervals_held as bigint) as intervals_held,
    {{ safe_divide('intervals_held', 'interval_backtests') }} as interval_coverage,
    case
        when interval_backtests > 0 then 'ok'
        when backtests > 0 then 'interval_needs_more_backtests'
        when live_status in ('looks_ahead', 'amounts_unknown', 'too_few_purchases', 'not_converged')
            then live_status
        else 'history_too_short'
    end as status,
    cast(coalesce(others.orders, 0) as bigint) as other_currency_orders
from tests
left join others on {{ join_on('tests', 'others', ['preset', 'brand_id', 'method', 'horizon_days']) }}
