{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_persons',
    scope_key=['brand_id', 'person_id'],
    on_schema_change='fail',
) }}

-- A day on which several keys of a person did the same thing is one day.
with person_days as (
    select
        days.brand_id,
        days.person_id,
        days.touch_kind,
        days.touch_date,
        max(days.max_rating) as max_rating,
        max(days.refunded_on) as refunded_on
    from {{ ref('int_key_days') }} as days
    where
        true
        {{ and_in_scope('days', 'int_dirty_persons', ['brand_id', 'person_id']) }}
    group by days.brand_id, days.person_id, days.touch_kind, days.touch_date
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

-- A rule that is on adds 64 ** rank to the person's sum: with at most 31 rules a stage the highest digit
-- base 64 is the highest stage, whatever else is on.
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
        cast(power(64, stages.rank) as bigint) as weight
    from {{ ref('aipl_rules') }} as rules
    inner join stages on rules.preset = stages.preset and rules.stage = stages.stage
    inner join {{ ref('aipl_presets') }} as presets on rules.preset = presets.preset
),

touch_spans as (
    select
        rules.preset,
        rules.rule_id,
        rules.min_count,
        rules.weight,
        person_days.brand_id,
        person_days.person_id,
        person_days.touch_date as valid_from,
        case
            when rules.refund_policy = 'as_known'
                then least({{ add_days('person_days.touch_date', 'rules.window_days') }}, person_days.refunded_on)
            else {{ add_days('person_days.touch_date', 'rules.window_days') }}
        end as valid_to
    from person_days
    inner join rules on person_days.touch_kind = rules.touch_kind
    where
        rules.kind = 'touch'
        and (rules.min_rating is null or person_days.max_rating >= rules.min_rating)
        and (rules.refund_policy <> 'net_hindsight' or person_days.refunded_on = {{ open_end() }})
),

state_spans as (
    select
        rules.preset,
        rules.rule_id,
        rules.min_count,
        rules.weight,
        person_states.brand_id,
        person_states.person_id,
        person_states.valid_from,
        person_states.valid_to
    from person_states
    inner join rules on person_states.state_kind = rules.touch_kind
    where rules.kind = 'state'
),

spans as (
    select * from touch_spans where valid_from < valid_to
    union all
    select * from state_spans
),

edges as (
    select preset, rule_id, min_count, weight, brand_id, person_id, valid_from as edge_date, 1 as step from spans
    union all
    select preset, rule_id, min_count, weight, brand_id, person_id, valid_to as edge_date, -1 as step from spans
    where valid_to < {{ open_end() }}
),

edge_days as (
    select
        preset, rule_id, min_count, weight, brand_id, person_id, edge_date,
        sum(step) as step
    from edges
    group by preset, rule_id, min_count, weight, brand_id, person_id, edge_date
),

rule_counts as (
    select
        *,
        sum(step) over (
            partition by preset, brand_id, person_id, rule_id order by edge_date
            rows between unbounded preceding and current row
        ) >= min_count as is_on
    from edge_days
),

rule_turns as (
    select
        *,
        lag(is_on, 1, false) over (partition by preset, brand_id, person_id, rule_id order by edge_date) as was_on
    from rule_counts
),

person_turns as (
    select
        preset, brand_id, person_id, edge_date,
        sum(case when is_on then weight else -weight end) as step
    from rule_turns
    where is_on <> was_on
    group by preset, brand_id, person_id, edge_date
),

weights as (
    select
        preset, brand_id, person_id, edge_date,
        sum(step) over (
            partition by preset, brand_id, person_id order by edge_date
            rows between unbounded preceding and current row
        ) as weight
    from person_turns
),

ranks as (
    select
        preset, brand_id, person_id, edge_date,
        case when weight = 0 then 0 else cast(floor(log2(weight) / 6) as integer) end as stage_rank
    from weights
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
