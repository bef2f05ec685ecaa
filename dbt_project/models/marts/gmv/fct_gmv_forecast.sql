{#- Split conformal: the ceil(0.9 (n + 1))-th of n exchangeable ratios bounds the next one from above with at
    least 90 % probability if n >= 9; below that the greatest is taken, with n / (n + 1). -#}
{%- set asset_columns = [
    ('past_horizons', 'bigint'),
    ('customer_persons', 'bigint'), ('customer_rate', 'double'), ('customer_aov', 'double'),
    ('prospect_persons', 'bigint'), ('prospect_rate', 'double'), ('prospect_aov', 'double'),
    ('other_buyers', 'double'), ('other_aov', 'double'),
    ('customer_past_persons', 'bigint'), ('customer_past_buyers', 'bigint'),
    ('customer_past_spend', 'decimal(18, 4)'),
    ('prospect_past_persons', 'bigint'), ('prospect_past_buyers', 'bigint'),
    ('prospect_past_spend', 'decimal(18, 4)'),
    ('other_past_buyers', 'bigint'), ('other_past_spend', 'decimal(18, 4)'),
    ('other_currency_past_orders', 'bigint'),
] -%}
with origins as (
    select
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        origins.is_backtest,
        brands.currency
    from {{ ref('int_gmv_origins') }} as origins
    inner join {{ ref('int_brands') }} as brands on origins.brand_id = brands.brand_id
    where origins.is_reported
),

points as (
    select
        points.*,
        windows.end_date,
        {{ safe_divide('windows.gmv', 'points.point_forecast') }} as ratio
    from {{ ref('int_gmv_asset_points') }} as points
    left join {{ ref('int_gmv_windows') }} as windows
        on
            {{ join_on('points', 'windows', ['preset', 'brand_id', 'horizon_days']) }}
            and points.as_of_date = windows.start_date
),

-- The last `forecast_backtests` of the back-tests that were complete at the origin.
known_ratios as (
    select
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        points.preset,
        points.ratio,
        row_number() over (
            partition by points.preset, origins.brand_id, origins.horizon_days, origins.as_of_date
            order by points.as_of_date desc
        ) as recency
    from origins
    inner join points
        on
            {{ join_on('origins', 'points', ['brand_id', 'horizon_days']) }}
            and origins.as_of_date >= points.end_date
),

ranked as (
    select
        *,
        row_number() over (
            partition by preset, brand_id, horizon_days, as_of_date order by ratio
        ) as ratio_rank,
        count(*) over (partition by preset, brand_id, horizon_days, as_of_date) as ratios
    from known_ratios
    where recency <= {{ var('forecast_backtests') }} and ratio is not null
),

intervals as (
    select
        preset,
        brand_id,
        horizon_days,
        as_of_date,
        max(case when ratio_rank = greatest(1, floor((ratios + 1) / 10.0)) then ratio end) as ratio_p10,
        avg(case when 2 * ratio_rank in (ratios, ratios + 1, ratios + 2) then ratio end) as ratio_p50,
        max(case when ratio_rank = least(ratios, ceil(9 * (ratios + 1) / 10.0)) then ratio end) as ratio_p90
    from ranked
    where ratios >= {{ var('forecast_interval_backtests') }}
    group by preset, brand_id, horizon_days, as_of_date
),

consumer_asset as (
    select
        points.preset,
        points.brand_id,
        'consumer_asset' as method,
        points.horizon_days,
        points.as_of_date,
        case
            when points.status = 'ok' and intervals.preset is null then 'interval_needs_more_backtests'
            else points.status
        end as status,
        {%- for column, type in asset_columns %}
            points.{{ column }},
        {%- endfor %}
        points.point_forecast,
        intervals.ratio_p10,
        coalesce(intervals.ratio_p50, 1) as ratio_p50,
        intervals.ratio_p90
    from points
    left join intervals
        on {{ join_on('points', 'intervals', ['preset', 'brand_id', 'horizon_days', 'as_of_date']) }}
),

methods as (
    select
        preset,
        brand_id,
        method,
        horizon_days,
        as_of_date,
        status,
        {%- for column, type in asset_columns %}
            {{ column }},
        {%- endfor %}
        point_forecast,
        point_forecast * ratio_p10 as p10,
        point_forecast * ratio_p50 as p50,
        point_forecast * ratio_p90 as p90
    from consumer_asset

    union all

    select
        presets.preset,
        series.brand_id,
        'series' as method,
        series.horizon_days,
        series.as_of_date,
        series.status,
        {%- for column, type in asset_columns %}
            null as {{ column }},
        {%- endfor %}
        series.point_forecast,
        series.p10,
        series.p50,
        series.p90
    from {{ ref('int_gmv_series') }} as series
    cross join ({{ gmv_presets() }}) as presets
)

select
    methods.preset,
    methods.brand_id,
    methods.method,
    methods.horizon_days,
    methods.as_of_date,
    origins.is_backtest,
    methods.status,
    origins.currency,
    {%- for column in ['point_forecast', 'p10', 'p50', 'p90'] %}
        {{ decimal_of_double('methods.' ~ column, 18, 4) }} as {{ column }},
    {%- endfor %}
    cast(windows.gmv as decimal(18, 4)) as actual_gmv,
    cast(windows.other_currency_orders as bigint) as other_currency_orders,
{%- for column, type in asset_columns %}
    cast(methods.{{ column }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
from methods
inner join origins
    on {{ join_on('methods', 'origins', ['brand_id', 'horizon_days', 'as_of_date']) }}
left join {{ ref('int_gmv_windows') }} as windows
    on
        {{ join_on('methods', 'windows', ['preset', 'brand_id', 'horizon_days']) }}
        and methods.as_of_date = windows.start_date
