-- Weeks and months that lie wholly between a brand's first day and its horizon.
with days as (
    select
        brands.brand_id,
        brands.first_day,
        brands.horizon,
        dates.date_day,
        dates.week_start,
        dates.month_start
    from {{ ref('int_brands') }} as brands
    inner join {{ ref('dim_date') }} as dates on dates.date_day between brands.first_day and brands.horizon
),

periods as (
    select distinct
        brand_id,
        first_day,
        horizon,
        'week' as period_type,
        week_start as period_start,
        {{ period_end('week', 'week_start') }} as period_end
    from days

    union all

    select distinct
        brand_id,
        first_day,
        horizon,
        'month' as period_type,
        month_start as period_start,
        {{ period_end('month', 'month_start') }} as period_end
    from days
)

select
    brand_id,
    period_type,
    period_start,
    period_end
from periods
where period_start >= first_day and period_end <= horizon
