with targets as (
    select
        *,
        row_number() over (
            partition by brand_id, period_start, period_end order by updated_at desc nulls last, source_id
        ) as version_rank
    from {{ ref('int_gmv_targets') }}
    where is_current
),

goals as (
    select
        targets.brand_id,
        targets.period_start,
        targets.period_end,
        targets.gmv as target_gmv,
        targets.currency,
        brands.first_day,
        brands.horizon as as_of_date,
        targets.currency is distinct from brands.currency as is_other_currency,
        case
            when brands.horizon is null then 'no_data'
            when targets.period_start > {{ add_days('brands.horizon', 1) }} then 'not_started'
            when targets.period_end <= brands.horizon then 'ended'
            else 'in_progress'
        end as progress,
        -- All days of a future period remain.
        greatest(
            0,
            {{ dbt.datediff(
                'greatest(brands.horizon, ' ~ add_days('targets.period_start', -1) ~ ')',
                'targets.period_end',
                'day'
            ) }}
        ) as days_remaining
    from targets
    left join {{ ref('int_brands') }} as brands on targets.brand_id = brands.brand_id
    where targets.version_rank = 1
),

paid as (
    select
        goals.brand_id,
        goals.period_start,
        goals.period_end,
        case when count(days.gmv) = count(*) then sum(days.gmv) end as gmv,
        sum(days.other_currency_orders) as other_currency_orders
    from goals
    inner join {{ ref('int_gmv_days') }} as days
        on goals.brand_id = days.brand_id and days.gmv_date between goals.period_start and goals.period_end
    group by goals.brand_id, goals.period_start, goals.period_end
)

select
    goals.brand_id,
    goals.period_start,
    goals.period_end,
    goals.target_gmv,
    goals.currency,
    goals.is_other_currency,
    goals.as_of_date,
    goals.progress,
    case when goals.as_of_date is not null then cast(goals.days_remaining as integer) end as days_remaining,
    -- Payments before the data start are unknown.
    cast(
        case
            when goals.period_start < goals.first_day or goals.as_of_date is null then null
            when goals.period_start > goals.as_of_date then 0
            else paid.gmv
        end as decimal(18, 4)
    ) as actual_so_far,
    coalesce(paid.other_currency_orders, 0) as other_currency_orders,
    coalesce(goals.period_start < goals.first_day, false) as is_before_data
from goals
left join paid
    on {{ join_on('goals', 'paid', ['brand_id', 'period_start', 'period_end']) }}
