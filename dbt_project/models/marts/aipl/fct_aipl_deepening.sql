with deepened as (
    select
        changers.preset,
        changers.brand_id,
        changers.period_type,
        changers.period_start,
        periods.period_end,
        changers.person_id,
        changers.from_rank
    from {{ ref('int_period_changers') }} as changers
    inner join {{ ref('int_periods') }} as periods
        on
            changers.brand_id = periods.brand_id
            and changers.period_type = periods.period_type
            and changers.period_start = periods.period_start
    where changers.from_rank > 0 and changers.to_rank > changers.from_rank
),

-- The first day of the period at whose end the person stood above where it began.
deepening_days as (
    select
        deepened.preset,
        deepened.brand_id,
        deepened.period_type,
        deepened.period_start,
        deepened.period_end,
        deepened.person_id,
        min(history.valid_from) as deepened_on
    from deepened
    inner join {{ ref('fct_aipl_stage_history') }} as history
        on
            deepened.preset = history.preset
            and deepened.brand_id = history.brand_id
            and deepened.person_id = history.person_id
            and history.valid_from between deepened.period_start and deepened.period_end
            and history.stage_rank > deepened.from_rank
    group by
        deepened.preset, deepened.brand_id, deepened.period_type, deepened.period_start, deepened.period_end,
        deepened.person_id
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
    inner join {{ ref('int_events_attributed') }} as events
        on
            deepening_days.brand_id = events.brand_id
            and deepening_days.person_id = events.person_id
            and events.event_date between deepening_days.period_start and deepening_days.deepened_on
    where not events.is_bot
)

select
    deepening_days.preset,
    deepening_days.brand_id,
    deepening_days.period_type,
    deepening_days.period_start,
    deepening_days.period_end,
    'first_touch' as attribution_rule,
    coalesce(touches.channel, 'none seen') as channel,
    coalesce(touches.campaign_id, 'none seen') as campaign_id,
    count(*) as persons
from deepening_days
left join touches
    on
        deepening_days.preset = touches.preset
        and deepening_days.brand_id = touches.brand_id
        and deepening_days.period_type = touches.period_type
        and deepening_days.period_start = touches.period_start
        and deepening_days.person_id = touches.person_id
        and touches.touch_number = 1
group by
    deepening_days.preset, deepening_days.brand_id, deepening_days.period_type, deepening_days.period_start,
    deepening_days.period_end, coalesce(touches.channel, 'none seen'), coalesce(touches.campaign_id, 'none seen')
