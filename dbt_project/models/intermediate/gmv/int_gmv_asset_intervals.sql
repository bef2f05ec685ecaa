{#- Split conformal: of n ratios the ceil(0.9 (n + 1))-th bounds the next one from above with at least 90 %, where they
    are exchangeable and n is at least 9; below that the greatest is taken, and its promise is n / (n + 1). -#}
with points as (
    select
        points.preset,
        points.brand_id,
        points.horizon_days,
        points.as_of_date,
        windows.end_date,
        {{ safe_divide('windows.gmv', 'points.point_forecast') }} as ratio
    from {{ ref('int_gmv_asset_points') }} as points
    inner join {{ ref('int_gmv_windows') }} as windows
        on
            points.brand_id = windows.brand_id
            and points.horizon_days = windows.horizon_days
            and points.as_of_date = windows.start_date
),

-- Of the back-tests that were complete at the origin, the last `forecast_backtests`.
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
    from {{ ref('int_gmv_origins') }} as origins
    inner join points
        on
            origins.brand_id = points.brand_id
            and origins.horizon_days = points.horizon_days
            and origins.as_of_date >= points.end_date
    where origins.is_reported
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
)

select
    preset,
    brand_id,
    horizon_days,
    as_of_date,
    max(ratios) as ratios,
    max(case when ratio_rank = greatest(1, floor((ratios + 1) / 10.0)) then ratio end) as ratio_p10,
    avg(case when 2 * ratio_rank in (ratios, ratios + 1, ratios + 2) then ratio end) as ratio_p50,
    max(case when ratio_rank = least(ratios, ceil(9 * (ratios + 1) / 10.0)) then ratio end) as ratio_p90
from ranked
where ratios >= {{ var('forecast_interval_backtests') }}
group by preset, brand_id, horizon_days, as_of_date
