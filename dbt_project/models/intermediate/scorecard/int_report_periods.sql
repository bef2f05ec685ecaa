{{ config(
    materialized='incremental',
    scope=[by_macro('every_brand', ['int_brands'])],
    scope_key=['brand_id'],
    only_differences=true,
) }}

with brands as (
    select brand_id, first_day, horizon from {{ ref('int_brands') }}
),

dates as (
    {{ date_series('(select min(first_day) from brands)', '(select max(horizon) from brands)') }}
),

days as (
    select brands.brand_id, dates.date_day
    from brands
    inner join dates on dates.date_day between brands.first_day and brands.horizon
),

starts as (
    {%- for type in report_period_types() %}
    select distinct
        brand_id,
        '{{ type }}' as period_type,
        {{ period_start(type, 'date_day') }} as period_start,
        {{ period_end(type, period_start(type, 'date_day')) }} as period_end
    from days

    union all
    {% endfor %}
    select
        brand_id,
        'four_weeks' as period_type,
        date_day as period_start,
        {{ add_days('date_day', 27) }} as period_end
    from days
    where date_day = {{ period_start('week', 'date_day') }}
),

campaigns as (
    {{ campaigns() }}
),

sized as (
    select
        *,
        7 * ceil(({{ dbt.datediff('warm_up_from', 'ends_on', 'day') }} + 1) / 7.0) as days_back,
        7 * ceil(({{ dbt.datediff('starts_on', 'ends_on', 'day') }} + 1) / 7.0) as days_on
    from campaigns
),

windows as (
    select brand_id, campaign_id, 'campaign' as period_type, starts_on as period_start, ends_on as period_end
    from sized

    union all

    select
        brand_id,
        campaign_id,
        'baseline' as period_type,
        case
            when baseline_from <= baseline_to then baseline_from else {{ add_days('starts_on', '-days_back') }}
        end as period_start,
        case
            when baseline_from <= baseline_to then baseline_to else {{ add_days('ends_on', '-days_back') }}
        end as period_end
    from sized

    union all

    select
        brand_id,
        campaign_id,
        'after' as period_type,
        {{ add_days('starts_on', 'days_on') }} as period_start,
        {{ add_days('ends_on', 'days_on') }} as period_end
    from sized
),

-- Not asked for by `exists` below: DuckDB then finds none for some of them.
contaminated as (
    select distinct windows.brand_id, windows.campaign_id
    from windows
    inner join campaigns as others
        on
            windows.brand_id = others.brand_id
            and windows.campaign_id <> others.campaign_id
            and others.starts_on <= windows.period_end
            and others.ends_on >= windows.period_start
    where windows.period_type = 'baseline'
),

periods as (
    select
        brand_id,
        period_type || ':' || cast(period_start as {{ dbt.type_string() }}) as period_id,
        period_type,
        period_start,
        period_end,
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        false as is_contaminated
    from starts

    union all

    select
        windows.brand_id,
        windows.period_type || ':' || windows.campaign_id as period_id,
        windows.period_type,
        windows.period_start,
        windows.period_end,
        windows.campaign_id,
        windows.period_type = 'baseline' and contaminated.campaign_id is not null as is_contaminated
    from windows
    left join contaminated on {{ join_on('windows', 'contaminated', ['brand_id', 'campaign_id']) }}
)

select
    periods.brand_id,
    periods.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    {{ dbt.datediff('periods.period_start', 'periods.period_end', 'day') }} + 1 as days,
    periods.campaign_id,
    periods.is_contaminated
from periods
inner join brands on periods.brand_id = brands.brand_id
where periods.period_start >= brands.first_day and periods.period_end <= brands.horizon
