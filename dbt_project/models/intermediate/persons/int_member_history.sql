{#- Of several memberships at once, the highest tier counts. -#}
with memberships as (
    select * from {{ ref('int_person_states') }}
    where state_kind = 'member'
),

policies as (
    select preset, refund_policy from {{ ref('aipl_presets') }}
    where preset in ({{ active_presets() }})
),

bounds as (
    select brand_id, person_id, valid_from as bound_on from memberships
    union
    select brand_id, person_id, valid_to as bound_on from memberships
),

tiers as (
    select
        bounds.brand_id,
        bounds.person_id,
        bounds.bound_on as valid_from,
        lead(bounds.bound_on, 1, {{ open_end() }}) over (
            partition by bounds.brand_id, bounds.person_id order by bounds.bound_on
        ) as valid_to,
        max(memberships.tier) as tier
    from bounds
    left join memberships
        on
            {{ join_on('bounds', 'memberships', ['brand_id', 'person_id']) }}
            and memberships.valid_from <= bounds.bound_on
            and bounds.bound_on < memberships.valid_to
    group by bounds.brand_id, bounds.person_id, bounds.bound_on
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

active_spans as (
    {{ spans_of_count('activity', ['preset', 'brand_id', 'person_id']) }}
),

thriving as (
    select
        active_spans.preset,
        tiers.brand_id,
        tiers.person_id,
        tiers.tier,
        greatest(active_spans.valid_from, tiers.valid_from) as valid_from,
        least(active_spans.valid_to, tiers.valid_to) as valid_to
    from active_spans
    inner join tiers
        on
            {{ join_on('active_spans', 'tiers', ['brand_id', 'person_id']) }}
            and active_spans.valid_from < tiers.valid_to
            and tiers.valid_from < active_spans.valid_to
    where tiers.tier is not null
),

edges as (
    select
        policies.preset, tiers.brand_id, tiers.person_id, tiers.tier, tiers.valid_from as edge_date,
        1 as members, 0 as thriving
    from tiers cross join policies
    where tiers.tier is not null
    union all
    select
        policies.preset, tiers.brand_id, tiers.person_id, tiers.tier, tiers.valid_to as edge_date,
        -1 as members, 0 as thriving
    from tiers cross join policies
    where tiers.tier is not null
    union all
    select preset, brand_id, person_id, tier, valid_from as edge_date, 0 as members, 1 as thriving
    from thriving
    union all
    select preset, brand_id, person_id, tier, valid_to as edge_date, 0 as members, -1 as thriving
    from thriving
),

steps as (
    select
        preset, brand_id, person_id, tier, edge_date, sum(members) as members_step, sum(thriving) as thriving_step
    from edges
    group by preset, brand_id, person_id, tier, edge_date
    having sum(members) <> 0 or sum(thriving) <> 0
),

spans as (
    select
        preset,
        brand_id,
        person_id,
        tier,
        edge_date as valid_from,
        lead(edge_date) over (
            partition by preset, brand_id, person_id, tier order by edge_date
        ) as valid_to,
        sum(members_step) over (
            partition by preset, brand_id, person_id, tier order by edge_date
            rows between unbounded preceding and current row
        ) as members,
        sum(thriving_step) over (
            partition by preset, brand_id, person_id, tier order by edge_date
            rows between unbounded preceding and current row
        ) as thriving
    from steps
)

select
    preset,
    brand_id,
    person_id,
    cast(tier as integer) as tier,
    tier >= {{ var('fast_min_tier') }} as is_superior,
    thriving > 0 as is_thriving,
    valid_from,
    valid_to
from spans
where members > 0
