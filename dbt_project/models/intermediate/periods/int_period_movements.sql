{#- People who changed stage within a period come from the history; all others stayed where they were in the
    stock the day before. So the work grows with the number of changes, not with people times periods. -#}
with changed as (
    select
        preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock,
        count(*) as persons
    from {{ ref('int_period_changers') }}
    group by preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock
),

left_behind as (
    select preset, brand_id, period_type, period_start, from_rank, sum(persons) as persons
    from changed
    group by preset, brand_id, period_type, period_start, from_rank
),

unchanged as (
    select
        stock.preset,
        periods.brand_id,
        periods.period_type,
        periods.period_start,
        stock.stage_rank as from_rank,
        stock.stage_rank as to_rank,
        true as was_in_stock,
        stock.persons - coalesce(left_behind.persons, 0) as persons
    from {{ ref('int_periods') }} as periods
    inner join {{ ref('int_daily_stock') }} as stock
        on
            periods.brand_id = stock.brand_id
            and stock.as_of_date = {{ add_days('periods.period_start', -1) }}
    left join left_behind
        on
            stock.preset = left_behind.preset
            and {{ join_on('periods', 'left_behind', ['brand_id', 'period_type', 'period_start']) }}
            and stock.stage_rank = left_behind.from_rank
),

movements as (
    select preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock, persons from changed
    union all
    select preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock, persons
    from unchanged
)

select
    movements.preset,
    movements.brand_id,
    movements.period_type,
    movements.period_start,
    periods.period_end,
    movements.from_rank,
    movements.to_rank,
    movements.was_in_stock,
    sum(movements.persons) as persons
from movements
inner join {{ ref('int_periods') }} as periods
    on {{ join_on('movements', 'periods', ['brand_id', 'period_type', 'period_start']) }}
group by
    movements.preset, movements.brand_id, movements.period_type, movements.period_start, periods.period_end,
    movements.from_rank, movements.to_rank, movements.was_in_stock
having sum(movements.persons) <> 0
