{{ config(
    materialized='incremental',
    scope=[changed('int_period_changers')] + changed_periods('int_key_days', ['touch_date']),
    scope_key=['brand_id', 'person_id', 'period_type', 'period_start'],
    pre_hook="{{ keep_keys_of_scope() }}",
) }}

with deepened as (
    select
        preset,
        brand_id,
        period_type,
        period_start,
        {{ last_day_of_period() }} as period_end,
        person_id,
        from_rank
    from {{ ref('int_period_changers') }} as changers
    where
        from_rank > 0
        and to_rank > from_rank
        and {{ in_scope('changers') }}
),

-- First day in a higher stage than at the start of the period.
deepening_days as (
    select
        deepened.preset,
        deepened.brand_id,
        deepened.period_type,
        deepened.period_start,
        deepened.person_id,
        min(history.valid_from) as deepened_on
    from deepened
    inner join {{ ref('int_stage_history') }} as history
        on
            {{ join_on('deepened', 'history', ['preset', 'brand_id', 'person_id']) }}
            and history.valid_from between deepened.period_start and deepened.period_end
            and history.stage_rank > deepened.from_rank
    group by
        deepened.preset, deepened.brand_id, deepened.period_type, deepened.period_start, deepened.person_id
),

scoped_events as (
    select * from {{ ref('int_events') }} as events
    where
        events.source_key is not null
        and {{ since_scope('events.event_date', 'period_start') }}
        {%- if is_incremental() %}
        and events.source_key in (select keys.source_key from {{ scope_relation('keys') }} as keys)
        {%- endif %}
),

attributed as (
    {{ attributed_events('scoped_events') }}
),

touches as (
    select
        deepening_days.preset,
        deepening_days.brand_id,
        deepening_days.period_type,
        deepening_days.period_start,
        deepening_days.person_id,
        coalesce(nullif(events.channel, ''), 'not told') as channel,
        coalesce(nullif(events.campaign_id, ''), 'not told') as campaign_id,
        row_number() over (
            partition by
                deepening_days.preset, deepening_days.brand_id, deepening_days.period_type,
                deepening_days.period_start, deepening_days.person_id
            order by events.event_at, events.event_id, events.source_id
        ) as touch_number
    from deepening_days
    inner join attributed as events
        on
            {{ join_on('deepening_days', 'events', ['brand_id', 'person_id']) }}
            and events.event_date between deepening_days.period_start and deepening_days.deepened_on
    where not events.is_bot
)

select
    deepening_days.preset,
    deepening_days.brand_id,
    deepening_days.period_type,
    deepening_days.period_start,
    deepening_days.person_id,
    deepening_days.deepened_on,
    coalesce(touches.channel, 'none seen') as channel,
    coalesce(touches.campaign_id, 'none seen') as campaign_id
from deepening_days
left join touches
    on
        {{ join_on('deepening_days', 'touches', [
            'preset', 'brand_id', 'period_type', 'period_start', 'person_id',
        ]) }}
        and touches.touch_number = 1
