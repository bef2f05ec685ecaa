select
    segments.preset,
    past.brand_id,
    past.horizon_days,
    past.as_of_date,
    count(*) as past_horizons,
    count(segments.gmv) = count(*) as is_known,
    sum(segments.customer_persons) as customer_past_persons,
    sum(segments.customer_buyers) as customer_past_buyers,
    sum(segments.customer_spend) as customer_past_spend,
    sum(segments.prospect_persons) as prospect_past_persons,
    sum(segments.prospect_buyers) as prospect_past_buyers,
    sum(segments.prospect_spend) as prospect_past_spend,
    sum(segments.other_buyers) as other_past_buyers,
    sum(segments.other_spend) as other_past_spend
from {{ ref('int_gmv_past_windows') }} as past
inner join {{ ref('int_gmv_window_segments') }} as segments
    on
        past.brand_id = segments.brand_id
        and past.horizon_days = segments.horizon_days
        and past.start_date = segments.start_date
group by segments.preset, past.brand_id, past.horizon_days, past.as_of_date
