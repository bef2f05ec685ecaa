with presets as (
    select
        preset,
        max(rank) as top_rank
    from {{ ref('aipl_stages') }}
    where preset in ({{ active_presets() }})
    group by preset
),

periods as (
    select
        presets.preset,
        presets.top_rank,
        periods.brand_id,
        periods.period_type,
        periods.period_start,
        periods.period_end
    from {{ ref('int_periods') }} as periods
    cross join presets
),

movements as (
    select
        periods.preset,
        periods.brand_id,
        periods.period_type,
        periods.period_start,
        sum(case when moves.was_in_stock then moves.persons else 0 end) as fertility_union,
        sum(case when moves.to_rank > 0 then moves.persons else 0 end) as fertility_end,
        sum(case when moves.from_rank > 0 then moves.persons else 0 end) as start_stock,
        sum(
            case when moves.from_rank > 0 and moves.from_rank < periods.top_rank then moves.persons else 0 end
        )
            as start_stock_eligible,
        sum(case when moves.from_rank > 0 and moves.to_rank > moves.from_rank then moves.persons else 0 end)
            as deepened
    from periods
    left join {{ ref('int_period_movements') }} as moves
        on {{ join_on('periods', 'moves', ['preset', 'brand_id', 'period_type', 'period_start']) }}
    group by periods.preset, periods.brand_id, periods.period_type, periods.period_start
),

members as (
    select
        periods.preset,
        periods.brand_id,
        periods.period_type,
        periods.period_start,
        coalesce(sum(steps.members_step), 0) as members,
        coalesce(sum(steps.thriving_members_step), 0) as thriving_members,
        coalesce(
            sum(case when steps.tier >= {{ var('fast_min_tier') }} then steps.members_step end), 0
        ) as superiority_members,
        coalesce(
            sum(case when steps.tier >= {{ var('fast_min_tier') }} then steps.thriving_members_step end), 0
        ) as thriving_superior_members
    from periods
    left join {{ ref('int_member_days') }} as steps
        on
            {{ join_on('periods', 'steps', ['preset', 'brand_id']) }}
            and steps.date_day <= periods.period_end
    group by periods.preset, periods.brand_id, periods.period_type, periods.period_start
)

select
    periods.preset,
    periods.brand_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    cast(movements.fertility_union as bigint) as fertility_union,
    cast(movements.fertility_end as bigint) as fertility_end,
    cast(movements.start_stock as bigint) as start_stock,
    cast(movements.start_stock_eligible as bigint) as start_stock_eligible,
    cast(movements.deepened as bigint) as deepened,
    {{ safe_divide('movements.deepened', 'movements.start_stock') }} as advancing_rate,
    {{ safe_divide('movements.deepened', 'movements.start_stock_eligible') }} as advancing_rate_eligible,
    cast(members.superiority_members as bigint) as superiority_members,
    cast(members.members as bigint) as members,
    cast(members.thriving_members as bigint) as thriving_members,
    {{ safe_divide('members.thriving_members', 'members.members') }} as thriving_rate,
    cast(members.thriving_superior_members as bigint) as thriving_superior_members,
    {{ safe_divide('members.thriving_superior_members', 'members.superiority_members') }}
        as thriving_rate_superior
from periods
inner join movements
    on {{ join_on('periods', 'movements', ['preset', 'brand_id', 'period_type', 'period_start']) }}
inner join members
    on {{ join_on('periods', 'members', ['preset', 'brand_id', 'period_type', 'period_start']) }}
