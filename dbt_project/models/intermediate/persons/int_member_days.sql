{#- Members, members of the tier, and thriving members as daily steps: the running sum up to a day is the count
    on that day. -#}
with memberships as (
    select * from {{ ref('int_person_states') }}
    where state_kind = 'member'
),

policies as (
    select preset, refund_policy from {{ ref('aipl_presets') }}
    where preset in ({{ active_presets() }})
),

activity as (
    select
        policies.preset,
        days.brand_id,
        days.person_id,
        days.touch_date as valid_from,
        case
            when policies.refund_policy = 'as_known'
                then least({{ add_days('days.touch_date', var('fast_activity_days')) }}, days.refunded_on)
            else {{ add_days('days.touch_date', var('fast_activity_days')) }}
        end as valid_to
    from {{ ref('int_key_days') }} as days
    inner join {{ ref('touch_kinds') }} as kinds on days.touch_kind = kinds.touch_kind
    cross join policies
    where
        kinds.is_member_activity
        and (policies.refund_policy <> 'net_hindsight' or days.refunded_on = {{ open_end() }})
        and {{ in_relation('days', 'memberships', ['brand_id', 'person_id']) }}
),

edges as (
    select
        preset, brand_id, person_id, valid_from as edge_date,
        1 as member_step,
        case when tier >= {{ var('fast_min_tier') }} then 1 else 0 end as tier_step,
        0 as activity_step
    from memberships cross join policies
    union all
    select
        preset, brand_id, person_id, valid_to as edge_date,
        -1 as member_step,
        case when tier >= {{ var('fast_min_tier') }} then -1 else 0 end as tier_step,
        0 as activity_step
    from memberships cross join policies
    union all
    select preset, brand_id, person_id, valid_from as edge_date, 0 as member_step, 0 as tier_step, 1 as activity_step
    from activity where valid_from < valid_to
    union all
    select preset, brand_id, person_id, valid_to as edge_date, 0 as member_step, 0 as tier_step, -1 as activity_step
    from activity where valid_from < valid_to
),

edge_days as (
    select
        preset, brand_id, person_id, edge_date,
        sum(member_step) as member_step,
        sum(tier_step) as tier_step,
        sum(activity_step) as activity_step
    from edges
    group by preset, brand_id, person_id, edge_date
),

person_days as (
    select
        preset, brand_id, person_id, edge_date,
        sum(member_step) over (
            partition by preset, brand_id, person_id order by edge_date
            rows between unbounded preceding and current row
        ) > 0 as is_member,
        sum(tier_step) over (
            partition by preset, brand_id, person_id order by edge_date
            rows between unbounded preceding and current row
        ) > 0 as is_superior,
        sum(activity_step) over (
            partition by preset, brand_id, person_id order by edge_date
            rows between unbounded preceding and current row
        ) > 0 as is_active
    from edge_days
),

flags as (
    select
        preset, brand_id, person_id, edge_date,
        case when is_member then 1 else 0 end as is_member,
        case when is_superior then 1 else 0 end as is_superior,
        case when is_member and is_active then 1 else 0 end as is_thriving
    from person_days
),

steps as (
    select
        preset, brand_id, edge_date,
        is_member - lag(is_member, 1, 0) over (partition by preset, brand_id, person_id order by edge_date)
            as members,
        is_superior - lag(is_superior, 1, 0) over (partition by preset, brand_id, person_id order by edge_date)
            as superior_members,
        is_thriving - lag(is_thriving, 1, 0) over (partition by preset, brand_id, person_id order by edge_date)
            as thriving_members
    from flags
)

select
    preset,
    brand_id,
    edge_date as date_day,
    sum(members) as members_step,
    sum(superior_members) as superior_members_step,
    sum(thriving_members) as thriving_members_step
from steps
group by preset, brand_id, edge_date
having sum(members) <> 0 or sum(superior_members) <> 0 or sum(thriving_members) <> 0
