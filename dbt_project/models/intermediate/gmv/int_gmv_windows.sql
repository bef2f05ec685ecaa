with presets as (
    {{ gmv_presets() }}
),

segments as (
    {{ gmv_segments() }}
),

starts as (
    select brand_id, horizon_days, start_date from ({{ gmv_past_windows() }}) as past_windows
    union
    select brand_id, horizon_days, as_of_date as start_date from {{ ref('int_gmv_origins') }}
    where is_backtest
),

windows as (
    select
        starts.brand_id,
        starts.horizon_days,
        starts.start_date,
        {{ add_days('starts.start_date', 'starts.horizon_days') }} as end_date,
        case when count(days.gmv) = count(*) then sum(days.gmv) end as gmv,
        sum(days.other_currency_orders) as other_currency_orders
    from starts
    inner join {{ ref('int_gmv_days') }} as days
        on
            starts.brand_id = days.brand_id
            and days.gmv_date > starts.start_date
            and days.gmv_date <= {{ add_days('starts.start_date', 'starts.horizon_days') }}
    group by starts.brand_id, starts.horizon_days, starts.start_date
),

-- A purchase without a person is a buyer of its own, in no stage: its money is in every total.
buyers as (
    select
        windows.brand_id,
        windows.horizon_days,
        windows.start_date,
        purchases.person_id,
        case
            when purchases.person_id is null then purchases.source_id || ' ' || purchases.order_id
        end as unknown_buyer,
        sum(purchases.amount) as spend
    from windows
    inner join ({{ gmv_purchases() }}) as purchases
        on
            windows.brand_id = purchases.brand_id
            and purchases.paid_date > windows.start_date
            and purchases.paid_date <= windows.end_date
    group by windows.brand_id, windows.horizon_days, windows.start_date, purchases.person_id, unknown_buyer
),

segmented as (
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
    from buyers
    cross join presets
    left join {{ ref('int_stage_history') }} as history
        on
            presets.preset = history.preset
            and {{ join_on('buyers', 'history', ['brand_id', 'person_id']) }}
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
        sum(case when segment = '{{ segment }}' then spend else 0 end) as {{ segment }}_spend
        {{- ',' if not loop.last }}
    {%- endfor %}
    from segmented
    group by preset, brand_id, horizon_days, start_date
)

select
    presets.preset,
    windows.brand_id,
    windows.horizon_days,
    windows.start_date,
    windows.end_date,
    windows.gmv,
    windows.other_currency_orders,
    coalesce(segments.customer_persons, 0) as customer_persons,
    coalesce(segments.prospect_persons, 0) as prospect_persons,
{%- for segment in ['customer', 'prospect', 'other'] %}
    coalesce(bought.{{ segment }}_buyers, 0) as {{ segment }}_buyers,
    coalesce(bought.{{ segment }}_spend, 0) as {{ segment }}_spend{{ ',' if not loop.last }}
{%- endfor %}
from windows
cross join presets
left join segments
    on
        presets.preset = segments.preset
        and windows.brand_id = segments.brand_id
        and windows.start_date = segments.as_of_date
left join bought
    on
        presets.preset = bought.preset
        and {{ join_on('windows', 'bought', ['brand_id', 'horizon_days', 'start_date']) }}
