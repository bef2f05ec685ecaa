with past_horizons as (
    select
        windows.preset,
        past.brand_id,
        past.horizon_days,
        past.as_of_date,
        max(windows.end_date) as learned_through,
        count(*) as past_horizons,
        count(windows.gmv) = count(*) as is_known,
        sum(windows.customer_persons) as customer_past_persons,
        sum(windows.customer_buyers) as customer_past_buyers,
        sum(windows.customer_spend) as customer_past_spend,
        sum(windows.prospect_persons) as prospect_past_persons,
        sum(windows.prospect_buyers) as prospect_past_buyers,
        sum(windows.prospect_spend) as prospect_past_spend,
        sum(windows.other_buyers) as other_past_buyers,
        sum(windows.other_spend) as other_past_spend,
        sum(windows.other_currency_orders) as other_currency_past_orders
    from ({{ gmv_past_windows() }}) as past
    inner join {{ ref('int_gmv_windows') }} as windows
        on {{ join_on('past', 'windows', ['brand_id', 'horizon_days', 'start_date']) }}
    group by windows.preset, past.brand_id, past.horizon_days, past.as_of_date
),

segments as (
    {{ gmv_segments() }}
),

origins as (
    select
        presets.preset,
        presets.looks_ahead,
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        coalesce(segments.customer_persons, 0) as customer_persons,
        coalesce(segments.prospect_persons, 0) as prospect_persons
    from {{ ref('int_gmv_origins') }} as origins
    cross join ({{ gmv_presets() }}) as presets
    left join segments
        on
            presets.preset = segments.preset
            and {{ join_on('origins', 'segments', ['brand_id', 'as_of_date']) }}
),

ingredients as (
    select
        origins.preset,
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        origins.looks_ahead,
        origins.customer_persons,
        origins.prospect_persons,
        past_horizons.learned_through,
        past_horizons.is_known,
        coalesce(past_horizons.past_horizons, 0) as past_horizons,
        past_horizons.customer_past_persons,
        past_horizons.customer_past_buyers,
        past_horizons.customer_past_spend,
        past_horizons.prospect_past_persons,
        past_horizons.prospect_past_buyers,
        past_horizons.prospect_past_spend,
        past_horizons.other_past_buyers,
        past_horizons.other_past_spend,
        past_horizons.other_currency_past_orders,
        {{ safe_divide('past_horizons.customer_past_buyers', 'past_horizons.customer_past_persons') }}
            as customer_rate,
        {{ safe_divide('past_horizons.customer_past_spend', 'past_horizons.customer_past_buyers') }}
            as customer_aov,
        {{ safe_divide('past_horizons.prospect_past_buyers', 'past_horizons.prospect_past_persons') }}
            as prospect_rate,
        {{ safe_divide('past_horizons.prospect_past_spend', 'past_horizons.prospect_past_buyers') }}
            as prospect_aov,
        {{ safe_divide('past_horizons.other_past_buyers', 'past_horizons.past_horizons') }} as other_buyers,
        {{ safe_divide('past_horizons.other_past_spend', 'past_horizons.other_past_buyers') }} as other_aov
    from origins
    left join past_horizons
        on {{ join_on('origins', 'past_horizons', ['preset', 'brand_id', 'horizon_days', 'as_of_date']) }}
),

-- A group without people or buyers contributes 0, even if the spend per buyer is unknown.
judged as (
    select
        *,
        case when customer_persons * customer_rate > 0 then
            customer_persons * customer_rate * customer_aov else 0 end
        + case when prospect_persons * prospect_rate > 0 then
            prospect_persons * prospect_rate * prospect_aov else 0 end
        + case when other_buyers > 0 then other_buyers * other_aov else 0 end as forecast,
        case
            when looks_ahead then 'looks_ahead'
            when past_horizons = 0 then 'history_too_short'
            when not is_known then 'amounts_unknown'
            when customer_persons > 0 and customer_rate is null then 'history_too_short'
            when prospect_persons > 0 and prospect_rate is null then 'history_too_short'
            else 'ok'
        end as status
    from ingredients
)

select
    preset,
    brand_id,
    horizon_days,
    as_of_date,
    status,
    past_horizons,
    learned_through,
    {%- for column in [
        'customer_persons', 'customer_rate', 'customer_aov',
        'prospect_persons', 'prospect_rate', 'prospect_aov', 'other_buyers', 'other_aov',
        'customer_past_persons', 'customer_past_buyers', 'customer_past_spend',
        'prospect_past_persons', 'prospect_past_buyers', 'prospect_past_spend',
        'other_past_buyers', 'other_past_spend', 'other_currency_past_orders',
    ] %}
        case when status in ('ok', 'history_too_short') then {{ column }} end as {{ column }},
    {%- endfor %}
    case when status = 'ok' then forecast end as point_forecast
from judged
