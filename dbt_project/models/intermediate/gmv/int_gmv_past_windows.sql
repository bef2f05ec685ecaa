with steps as (
    {%- for step in range(1, var('forecast_history_horizons') + 1) %}
    select {{ step }} as step{% if not loop.last %} union all{% endif %}
    {%- endfor %}
),

windows as (
    select
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        {{ add_days('origins.as_of_date', '-steps.step * origins.horizon_days') }} as start_date
    from {{ ref('int_gmv_origins') }} as origins
    cross join steps
)

select
    windows.brand_id,
    windows.horizon_days,
    windows.as_of_date,
    windows.start_date
from windows
inner join {{ ref('int_brands') }} as brands on windows.brand_id = brands.brand_id
where windows.start_date >= brands.first_day
