{%- for days in var('forecast_horizons') %}
    select brand_id, {{ days }} as horizon_days from {{ ref('int_brands') }}
    where first_day <= horizon
    union
{%- endfor %}
select brand_id, days_remaining as horizon_days from {{ ref('int_gmv_goals') }}
where progress = 'in_progress'
