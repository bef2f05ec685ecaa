with bounds as (
    select
        {{ period_start('year', 'min(valid_from)') }} as first_date,
        {{ add_days(period_start('year', add_days(period_start('year', 'max(horizon)'), 366)), -1) }} as last_date
    from {{ ref('fct_aipl_stage_history') }} as history
    inner join {{ ref('int_brands') }} as brands on history.brand_id = brands.brand_id
),

days as (
    {{ date_series('(select first_date from bounds)', '(select last_date from bounds)') }}
)

select
    date_day,
    cast(extract(year from date_day) as integer) as year_number,
    cast(extract(month from date_day) as integer) as month_number,
    cast(extract(week from date_day) as integer) as iso_week_number,
    cast(extract(isodow from date_day) as integer) as iso_weekday,
    extract(isodow from date_day) >= 6 as is_weekend,
    {{ period_start('week', 'date_day') }} as week_start,
    {{ period_start('month', 'date_day') }} as month_start
from days
