{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_persons',
    scope_key=['brand_id', 'person_id'],
    on_schema_change='fail',
) }}

with key_days as (
    select * from {{ ref('int_key_days') }} as days
    where
        true
        {{ and_in_scope('days', 'int_dirty_persons', ['brand_id', 'person_id']) }}
),

person_states as (
    select * from {{ ref('int_person_states') }} as states
    where
        true
        {{ and_in_scope('states', 'int_dirty_persons', ['brand_id', 'person_id']) }}
),

stages as (
    select * from {{ ref('aipl_stages') }}
    where preset in ({{ active_presets() }})
),

rules as (
    select
        rules.preset,
        rules.rule_id,
        rules.kind,
        rules.touch_kind,
        rules.window_days,
        rules.min_count,
        rules.min_rating,
        presets.refund_policy,
        stages.rank as stage_rank
    from {{ ref('aipl_rules') }} as rules
    inner join stages on rules.preset = stages.preset and rules.stage = stages.stage
    inner join {{ ref('aipl_presets') }} as presets on rules.preset = presets.preset
),

touch_spans as (
    select
        rules.preset,
        rules.rule_id,
        rules.min_count,
        rules.stage_rank,
        key_days.brand_id,
        key_days.person_id,
        key_days.touch_date as valid_from,
        case
            when rules.refund_policy = 'as_known'
                then least({{ add_days('key_days.touch_date', 'rules.window_days') }}, key_days.refunded_on)
            else {{ add_days('key_days.touch_date', 'rules.window_days') }}
        end as valid_to
    from key_days
    inner join rules on key_days.touch_kind = rules.touch_kind
    where
        rules.kind = 'touch'
        and (rules.min_rating is null or key_days.max_rating >= rules.min_rating)
        and (rules.refund_policy <> 'net_hindsight' or key_days.refunded_on = {{ open_end() }})
),

-- A rule that asks for several days counts a day once, whichever keys of the person it stands under.
counted_days as (
    select
        preset, rule_id, min_count, stage_rank, brand_id, person_id, valid_from,
        max(valid_to) as valid_to
    from touch_spans
    where min_count > 1 and valid_from < valid_to
    group by preset, rule_id, min_count, stage_rank, brand_id, person_id, valid_from
),

counted_edges as (
    select preset, rule_id, min_count, stage_rank, brand_id, person_id, valid_from as edge_date, 1 as step
    from counted_days
    union all
    select preset, rule_id, min_count, stage_rank, brand_id, person_id, valid_to as edge_date, -1 as step
    from counted_days
),

counted_edge_days as (
    select
        preset, rule_id, min_count, stage_rank, brand_id, person_id, edge_date,
        sum(step) as step
    from counted_edges
    group by preset, rule_id, min_count, stage_rank, brand_id, person_id, edge_date
),

counts as (
    select
        *,
        sum(step) over (
            partition by preset, brand_id, person_id, rule_id order by edge_date
            rows between unbounded preceding and current row
        ) as days_alive,
        lead(edge_date) over (
            partition by preset, brand_id, person_id, rule_id order by edge_date
        ) as next_edge_date
    from counted_edge_days
),

-- Stretches of days on which some rule of a stage is on; they may overlap.
spans as (
    select preset, brand_id, person_id, stage_rank, valid_from, valid_to from touch_spans
    where min_count = 1 and valid_from < valid_to
    union all
    select preset, brand_id, person_id, stage_rank, edge_date as valid_from, next_edge_date as valid_to from counts
    where days_alive >= min_count
    union all
    select
        rules.preset, person_states.brand_id, person_states.person_id, rules.stage_rank,
        person_states.valid_from, person_states.valid_to
    from person_states
    inner join rules on person_states.state_kind = rules.touch_kind
    where rules.kind = 'state'
),

reaches as (
    select
        preset, brand_id, person_id, stage_rank, valid_from,
        max(valid_to) over (
            partition by preset, brand_id, person_id, stage_rank order by valid_from
            rows between unbounded preceding and 1 preceding
        ) as reached
    from spans
),

-- A stage turns on where no earlier span reaches. It turned off where they ended, the last time where the last one ends.
-- Each stage is a digit of the person's sum, base 2: the highest one is the highest stage that is on.
turns as (
    select preset, brand_id, person_id, valid_from as edge_date, cast(power(2, stage_rank) as bigint) as step from reaches
    where reached is null or valid_from > reached
    union all
    select preset, brand_id, person_id, reached as edge_date, -cast(power(2, stage_rank) as bigint) as step from reaches
    where valid_from > reached
    union all
    select preset, brand_id, person_id, max(valid_to) as edge_date, -cast(power(2, stage_rank) as bigint) as step from spans
    group by preset, brand_id, person_id, stage_rank
    having max(valid_to) < {{ open_end() }}
),

person_turns as (
    select preset, brand_id, person_id, edge_date, sum(step) as step
    from turns
    group by preset, brand_id, person_id, edge_date
),

sums as (
    select
        preset, brand_id, person_id, edge_date,
        sum(step) over (
            partition by preset, brand_id, person_id order by edge_date
            rows between unbounded preceding and current row
        ) as stages_on
    from person_turns
),

ranks as (
    select
        preset, brand_id, person_id, edge_date,
        case when stages_on = 0 then 0 else cast(floor(log2(stages_on)) as integer) end as stage_rank
    from sums
),

neighbours as (
    select
        *,
        lag(stage_rank) over (partition by preset, brand_id, person_id order by edge_date) as previous_rank
    from ranks
),

-- Two steps, since lead() would still see the equal neighbours that this filter drops.
changes as (
    select * from neighbours
    where stage_rank is distinct from previous_rank
),

history as (
    select
        preset,
        brand_id,
        person_id,
        stage_rank,
        edge_date as valid_from,
        lead(edge_date, 1, {{ open_end() }}) over (
            partition by preset, brand_id, person_id order by edge_date
        ) as valid_to
    from changes
)

select
    history.preset,
    history.brand_id,
    history.person_id,
    stages.stage,
    history.stage_rank,
    history.valid_from,
    history.valid_to
from history
inner join stages on history.preset = stages.preset and history.stage_rank = stages.rank
