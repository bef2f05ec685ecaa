with forecasts as (
    select * from {{ ref('fct_gmv_forecast') }}
    where not is_backtest
),

methods as (
    select preset, 'consumer_asset' as method from ({{ gmv_presets() }}) as presets
    union all
    select preset, 'series' as method from ({{ gmv_presets() }}) as presets
),

-- The remaining forecast is per method; consumers needed always come from the consumer-asset method.
goals as (
    select
        methods.preset,
        methods.method,
        goals.*,
        forecasts.p10,
        forecasts.p50,
        forecasts.p90,
        asset.prospect_rate * asset.prospect_aov as gmv_per_prospect,
        asset.customer_persons * asset.customer_aov as gmv_per_rate_point,
        case
            when goals.progress = 'no_data' then 'no_data'
            when goals.is_other_currency then 'currency_differs'
            when goals.progress = 'not_started' then 'not_started'
            when goals.is_before_data then 'starts_before_data'
            when goals.actual_so_far is null then 'amounts_unknown'
            when goals.progress = 'ended' then 'ended'
            else forecasts.status
        end as status
    from {{ ref('int_gmv_goals') }} as goals
    cross join methods
    left join forecasts
        on
            methods.preset = forecasts.preset
            and goals.brand_id = forecasts.brand_id
            and methods.method = forecasts.method
            and goals.days_remaining = forecasts.horizon_days
            and goals.progress = 'in_progress'
    left join forecasts as asset
        on
            methods.preset = asset.preset
            and goals.brand_id = asset.brand_id
            and asset.method = 'consumer_asset'
            and goals.days_remaining = asset.horizon_days
            and goals.progress = 'in_progress'
),

remaining as (
    select
        *,
        {%- for quantile in ['p10', 'p50', 'p90'] %}
            case
                when status = 'ended' then 0
                when status in ('ok', 'interval_needs_more_backtests') then {{ quantile }}
            end as remaining_{{ quantile }},
        {%- endfor %}
        case when status <> 'currency_differs' then actual_so_far end as paid_so_far
    from goals
),

gaps as (
    select
        *,
        target_gmv - (paid_so_far + remaining_p50) as gap
    from remaining
)

select
    preset,
    brand_id,
    period_start,
    period_end,
    method,
    as_of_date,
    status,
    currency,
    cast(target_gmv as decimal(18, 4)) as target_gmv,
    cast(paid_so_far as decimal(18, 4)) as actual_so_far,
    cast(other_currency_orders as bigint) as other_currency_orders,
    days_remaining,
    cast(remaining_p10 as decimal(18, 4)) as forecast_remaining_p10,
    cast(remaining_p50 as decimal(18, 4)) as forecast_remaining_p50,
    cast(remaining_p90 as decimal(18, 4)) as forecast_remaining_p90,
    cast(paid_so_far + remaining_p50 as decimal(18, 4)) as forecast_gmv,
    cast(gap as decimal(18, 4)) as gap,
    cast(ceil({{ safe_divide('greatest(gap, 0)', 'gmv_per_prospect') }}) as bigint) as extra_prospects,
    {{ safe_divide('greatest(gap, 0)', 'gmv_per_rate_point') }} as buyer_rate_lift
from gaps
