-- One row per preset, brand and rule that has active evidence of the person on the day: why the person is in
-- this stage. Rules with `decides` assigned it; the others show active rules of lower stages, and rules not
-- yet met.
-- person: a `person_id`. day: any day; beyond the brand's horizon, without new activity.
-- evidence_days: distinct days that count on the day (for a state: active states). first_evidence,
-- last_evidence: of these. expires_on: first day without enough of them, without new activity; NULL for a
-- rule not yet met, 9999-12-31 for an open state.
create macro aipl_explain(person, day) as table
with evidence as (
    select
        rules.preset,
        person_days.brand_id,
        rules.rule_id,
        person_days.touch_date as valid_from,
        case
            when rules.refund_policy = 'as_known'
                then least(
                    person_days.touch_date + cast(rules.window_days as integer), person_days.refunded_on
                )
            else person_days.touch_date + cast(rules.window_days as integer)
        end as valid_to
    from fct_person_days as person_days
    inner join dim_aipl_rule as rules on person_days.touch_kind = rules.touch_kind
    where
        person_days.person_id = person
        and rules.kind = 'touch'
        and (rules.min_rating is null or person_days.max_rating >= rules.min_rating)
        and (rules.refund_policy <> 'net_hindsight' or person_days.refunded_on = date '9999-12-31')

    union all

    select
        rules.preset,
        states.brand_id,
        rules.rule_id,
        states.valid_from,
        states.valid_to
    from fct_person_states as states
    inner join dim_aipl_rule as rules on states.state_kind = rules.touch_kind
    where states.person_id = person and rules.kind = 'state'
),

alive as (
    select
        evidence.preset,
        evidence.brand_id,
        evidence.rule_id,
        count(*) as evidence_days,
        min(evidence.valid_from) as first_evidence,
        max(evidence.valid_from) as last_evidence,
        list(evidence.valid_to order by evidence.valid_to desc) as ends
    from evidence
    where evidence.valid_from <= cast(day as date) and cast(day as date) < evidence.valid_to
    group by all
),

stages as (
    select preset, brand_id, stage, stage_rank from fct_aipl_stage_history
    where person_id = person and valid_from <= cast(day as date) and cast(day as date) < valid_to
),

nobody as (
    select preset, stage from dim_aipl_stage
    where stage_rank = 0
)

select
    alive.preset,
    alive.brand_id,
    coalesce(stages.stage, nobody.stage) as stage,
    alive.rule_id,
    rules.stage as rule_stage,
    rules.touch_kind,
    alive.evidence_days,
    rules.min_count,
    alive.evidence_days >= rules.min_count as is_on,
    alive.evidence_days >= rules.min_count and rules.stage_rank = coalesce(stages.stage_rank, 0) as decides,
    alive.first_evidence,
    alive.last_evidence,
    -- With ends sorted from the last one, fewer than `min_count` are left from this one on.
    alive.ends[rules.min_count] as expires_on
from alive
inner join dim_aipl_rule as rules on alive.preset = rules.preset and alive.rule_id = rules.rule_id
left join stages on alive.preset = stages.preset and alive.brand_id = stages.brand_id
left join nobody on alive.preset = nobody.preset
order by alive.preset asc, alive.brand_id asc, rules.stage_rank desc, alive.rule_id asc
