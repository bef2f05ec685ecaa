with tiers as (
    select
        steps.preset,
        periods.brand_id,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        steps.tier,
        sum(steps.members_step) as members,
        sum(steps.thriving_members_step) as thriving_members
    from {{ ref('int_periods') }} as periods
    inner join {{ ref('int_member_days') }} as steps
        on periods.brand_id = steps.brand_id and steps.date_day <= periods.period_end
    group by
        steps.preset, periods.brand_id, periods.period_type, periods.period_start, periods.period_end,
        steps.tier
)

select
    preset,
    brand_id,
    period_type,
    period_start,
    period_end,
    cast(tier as integer) as tier,
    cast(members as bigint) as members,
    cast(thriving_members as bigint) as thriving_members,
    {{ safe_divide('thriving_members', 'members') }} as thriving_rate
from tiers
