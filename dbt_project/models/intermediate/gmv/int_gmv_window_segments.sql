with buyers as (
    select
        presets.preset,
        buyers.brand_id,
        buyers.horizon_days,
        buyers.start_date,
        buyers.spend,
        case
            when history.stage_rank >= presets.customer_rank then 'customer'
            when history.stage_rank > 0 then 'prospect'
            else 'other'
        end as segment
    from {{ ref('int_gmv_window_buyers') }} as buyers
    cross join {{ ref('int_gmv_presets') }} as presets
    left join {{ ref('fct_aipl_stage_history') }} as history
        on
            presets.preset = history.preset
            and buyers.brand_id = history.brand_id
            and buyers.person_id = history.person_id
            and buyers.start_date >= history.valid_from
            and buyers.start_date < history.valid_to
),

bought as (
    select
        preset,
        brand_id,
        horizon_days,
        start_date,
    {%- for segment in ['customer', 'prospect', 'other'] %}
        sum(case when segment = '{{ segment }}' then 1 else 0 end) as {{ segment }}_buyers,
        sum(case when segment = '{{ segment }}' then spend else 0 end) as {{ segment }}_spend{{ ',' if not loop.last }}
    {%- endfor %}
    from buyers
    group by preset, brand_id, horizon_days, start_date
)

select
    presets.preset,
    windows.brand_id,
    windows.horizon_days,
    windows.start_date,
    windows.gmv,
    coalesce(segments.customer_persons, 0) as customer_persons,
    coalesce(segments.prospect_persons, 0) as prospect_persons,
{%- for segment in ['customer', 'prospect', 'other'] %}
    coalesce(bought.{{ segment }}_buyers, 0) as {{ segment }}_buyers,
    coalesce(bought.{{ segment }}_spend, 0) as {{ segment }}_spend{{ ',' if not loop.last }}
{%- endfor %}
from {{ ref('int_gmv_windows') }} as windows
cross join {{ ref('int_gmv_presets') }} as presets
left join {{ ref('int_gmv_segments') }} as segments
    on
        presets.preset = segments.preset
        and windows.brand_id = segments.brand_id
        and windows.start_date = segments.as_of_date
left join bought
    on
        presets.preset = bought.preset
        and windows.brand_id = bought.brand_id
        and windows.horizon_days = bought.horizon_days
        and windows.start_date = bought.start_date
