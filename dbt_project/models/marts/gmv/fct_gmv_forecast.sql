{%- set asset_columns = [
    ('past_horizons', 'bigint'),
    ('customer_persons', 'bigint'), ('customer_rate', 'double'), ('customer_aov', 'double'),
    ('prospect_persons', 'bigint'), ('prospect_rate', 'double'), ('prospect_aov', 'double'),
    ('other_buyers', 'double'), ('other_aov', 'double'),
    ('customer_past_persons', 'bigint'), ('customer_past_buyers', 'bigint'), ('customer_past_spend', 'decimal(18, 4)'),
    ('prospect_past_persons', 'bigint'), ('prospect_past_buyers', 'bigint'), ('prospect_past_spend', 'decimal(18, 4)'),
    ('other_past_buyers', 'bigint'), ('other_past_spend', 'decimal(18, 4)'),
] -%}
with origins as (
    select
        origins.brand_id,
        origins.horizon_days,
        origins.as_of_date,
        origins.is_backtest,
        brands.currency,
        windows.gmv as actual_gmv
    from {{ ref('int_gmv_origins') }} as origins
    inner join {{ ref('int_brands') }} as brands on origins.brand_id = brands.brand_id
    left join {{ ref('int_gmv_windows') }} as windows
        on
            origins.brand_id = windows.brand_id
            and origins.horizon_days = windows.horizon_days
            and origins.as_of_date = windows.start_date
    where origins.is_reported
),

consumer_asset as (
    select
        points.preset,
        points.brand_id,
        'consumer_asset' as method,
        points.horizon_days,
        points.as_of_date,
        case
            when points.status = 'ok' and intervals.ratios is null then 'interval_needs_more_backtests'
            else points.status
        end as status,
        {%- for column, type in asset_columns %}
            points.{{ column }},
        {%- endfor %}
        points.point_forecast,
        intervals.ratio_p10,
        coalesce(intervals.ratio_p50, 1) as ratio_p50,
        intervals.ratio_p90
    from {{ ref('int_gmv_asset_points') }} as points
    left join {{ ref('int_gmv_asset_intervals') }} as intervals
        on
            points.preset = intervals.preset
            and points.brand_id = intervals.brand_id
            and points.horizon_days = intervals.horizon_days
            and points.as_of_date = intervals.as_of_date
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
    cross join {{ ref('int_gmv_presets') }} as presets
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
        cast(methods.{{ column }} as decimal(18, 4)) as {{ column }},
    {%- endfor %}
    cast(origins.actual_gmv as decimal(18, 4)) as actual_gmv,
{%- for column, type in asset_columns %}
    cast(methods.{{ column }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
from methods
inner join origins
    on
        methods.brand_id = origins.brand_id
        and methods.horizon_days = origins.horizon_days
        and methods.as_of_date = origins.as_of_date
