with movements as (
    select * from {{ ref('int_period_movements') }}
    where from_rank > 0 or to_rank > 0
),

stages as (
    select * from {{ ref('aipl_stages') }}
)

select
    movements.preset,
    movements.brand_id,
    movements.period_type,
    movements.period_start,
    movements.period_end,
    from_stages.stage as from_stage,
    to_stages.stage as to_stage,
    case
        when movements.from_rank = movements.to_rank then 'kept'
        when movements.from_rank = 0 then 'new'
        when movements.to_rank = 0 then 'lost'
        when movements.to_rank > movements.from_rank then 'deepened'
        else 'shallowed'
    end as movement,
    cast(sum(movements.persons) as bigint) as persons
from movements
inner join stages as from_stages
    on movements.preset = from_stages.preset and movements.from_rank = from_stages.rank
inner join stages as to_stages
    on movements.preset = to_stages.preset and movements.to_rank = to_stages.rank
group by
    movements.preset, movements.brand_id, movements.period_type, movements.period_start, movements.period_end,
    from_stages.stage, to_stages.stage, movements.from_rank, movements.to_rank
