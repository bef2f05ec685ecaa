{#- The last `forecast_backtests` origins with a complete outcome are reported. The interval of the oldest
    needs as many before it, so twice as many are forecast. -#}
{%- set backtests = var('forecast_backtests') -%}
with horizons as (
    {%- for days in var('forecast_horizons') %}
        select brand_id, {{ days }} as horizon_days from {{ ref('int_brands') }}
        where first_day <= horizon
        union
    {%- endfor %}
    select brand_id, days_remaining as horizon_days from {{ ref('int_gmv_goals') }}
    where progress = 'in_progress'
),

candidates as (
    select
        horizons.brand_id,
        horizons.horizon_days,
        days.gmv_date as as_of_date,
        {{ dbt.datediff('days.gmv_date', 'brands.horizon', 'day') }} as days_back,
        cast(ceil(horizons.horizon_days / 7.0) as integer) as weeks_to_complete
    from horizons
    inner join {{ ref('int_brands') }} as brands on horizons.brand_id = brands.brand_id
    inner join {{ ref('int_gmv_days') }} as days on horizons.brand_id = days.brand_id
)

select
    brand_id,
    horizon_days,
    as_of_date,
    days_back > 0 as is_backtest,
    days_back < 7 * (weeks_to_complete + {{ backtests }}) as is_reported
from candidates
where
    days_back = 0
    or (
        mod(days_back, 7) = 0
        and days_back between 7 * weeks_to_complete and 14 * (weeks_to_complete + {{ backtests }} - 1)
    )
