{% test stage_changes_move_the_stock(model, periods, daily, stages) %}
with changes as (
    select preset, brand_id, period_type, period_start, to_stage as stage, changes as persons
    from {{ model }}
    union all
    select preset, brand_id, period_type, period_start, from_stage as stage, -changes as persons
    from {{ model }}
),

net_changes as (
    select preset, brand_id, period_type, period_start, stage, sum(persons) as persons
    from changes
    group by preset, brand_id, period_type, period_start, stage
    having sum(persons) <> 0
),

stock as (
    select
        daily.preset, periods.brand_id, periods.period_type, periods.period_start, daily.stage,
        sum(case when daily.as_of_date = periods.period_end then daily.persons else -daily.persons end)
            as persons
    from {{ periods }} as periods
    inner join {{ daily }} as daily
        on
            periods.brand_id = daily.brand_id
            and daily.as_of_date in (periods.period_end, {{ add_days('periods.period_start', -1) }})
    group by daily.preset, periods.brand_id, periods.period_type, periods.period_start, daily.stage
    having
        sum(case when daily.as_of_date = periods.period_end then daily.persons else -daily.persons end)
        <> 0
),

-- A stage of one preset may have the name of another preset's rank 0.
moved as (
    select net_changes.*
    from net_changes
    inner join {{ stages }} as stages
        on net_changes.preset = stages.preset and net_changes.stage = stages.stage
    where stages.stage_rank > 0
)

select *
from moved
full outer join stock using (preset, brand_id, period_type, period_start, stage)
where moved.persons is distinct from stock.persons
{% endtest %}
