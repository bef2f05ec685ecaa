with starts as (
    select brand_id, horizon_days, start_date from {{ ref('int_gmv_past_windows') }}
    union
    select brand_id, horizon_days, as_of_date as start_date from {{ ref('int_gmv_origins') }}
    where is_backtest
),

windows as (
    select
        brand_id,
        horizon_days,
        start_date,
        {{ add_days('start_date', 'horizon_days') }} as end_date
    from starts
)

select
    windows.brand_id,
    windows.horizon_days,
    windows.start_date,
    windows.end_date,
    case when count(days.gmv) = count(*) then sum(days.gmv) end as gmv
from windows
inner join {{ ref('int_gmv_days') }} as days
    on
        windows.brand_id = days.brand_id
        and days.gmv_date > windows.start_date
        and days.gmv_date <= windows.end_date
group by windows.brand_id, windows.horizon_days, windows.start_date, windows.end_date
