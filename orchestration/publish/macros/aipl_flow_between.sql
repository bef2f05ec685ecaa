-- One row per preset, brand, stage at the end of the first day and stage at the end of the second: how people
-- moved. O to O has no row.
-- start_day, end_day: business days with a stock, from the day before the brand's first day to its horizon; a
-- brand without one of them has no row. The flow of a week starts at the end of the day before it.
create macro aipl_flow_between(start_day, end_day) as table
with brands as (
    select brand_id from dim_brand
    where
        least(cast(start_day as date), cast(end_day as date)) >= first_day - 1
        and greatest(cast(start_day as date), cast(end_day as date)) <= horizon
),

starts as (
    select preset, brand_id, person_id, stage_rank as from_rank
    from fct_aipl_stage_history
    where stage_rank > 0 and valid_from <= cast(start_day as date) and cast(start_day as date) < valid_to
),

ends as (
    select preset, brand_id, person_id, stage_rank as to_rank
    from fct_aipl_stage_history
    where stage_rank > 0 and valid_from <= cast(end_day as date) and cast(end_day as date) < valid_to
),

moves as (
    select
        preset,
        brand_id,
        coalesce(from_rank, 0) as from_rank,
        coalesce(to_rank, 0) as to_rank,
        count(*) as persons
    from starts
    full join ends using (preset, brand_id, person_id)
    semi join brands using (brand_id)
    group by all
)

select
    moves.preset,
    moves.brand_id,
    from_stages.stage as from_stage,
    to_stages.stage as to_stage,
    case
        when moves.from_rank = moves.to_rank then 'kept'
        when moves.from_rank = 0 then 'new'
        when moves.to_rank = 0 then 'lost'
        when moves.to_rank > moves.from_rank then 'deepened'
        else 'shallowed'
    end as movement,
    moves.persons
from moves
inner join dim_aipl_stage as from_stages
    on moves.preset = from_stages.preset and moves.from_rank = from_stages.stage_rank
inner join dim_aipl_stage as to_stages
    on moves.preset = to_stages.preset and moves.to_rank = to_stages.stage_rank
order by moves.preset, moves.brand_id, moves.from_rank, moves.to_rank
