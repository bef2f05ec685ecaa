-- Weeks and months entirely between a brand's first day and its horizon.
with dates as (
    {{ calendar() }}
),

days as (
    select brands.brand_id, brands.first_day, brands.horizon, dates.date_day
    from {{ ref('int_brands') }} as brands
    inner join dates on dates.date_day between brands.first_day and brands.horizon
),

period_days as (
    {{ with_periods('days', 'date_day') }}
),

periods as (
    select distinct
        brand_id,
        period_type,
        period_start,
        {{ last_day_of_period() }} as period_end,
        first_day,
        horizon
    from period_days
)

select
    brand_id,
    period_type,
    period_start,
    period_end
from periods
where period_start >= first_day and period_end <= horizon
