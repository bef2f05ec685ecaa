{#- Who changed stage inside a period is read off the history; everybody else stayed where the stock had them
    the day before, so that the work follows the number of changes, never persons times periods. -#}
with history as (
    select
        *,
        lag(stage_rank, 1, 0) over (partition by preset, brand_id, person_id order by valid_from) as previous_rank
    from {{ ref('fct_aipl_stage_history') }}
),

period_changes as (
    select *, 'week' as period_type, {{ period_start('week', 'valid_from') }} as period_start from history
    union all
    select *, 'month' as period_type, {{ period_start('month', 'valid_from') }} as period_start from history
),

changers as (
    select
        preset,
        brand_id,
        period_type,
        period_start,
        person_id,
        min_by(previous_rank, valid_from) as from_rank,
        max_by(stage_rank, valid_from) as to_rank,
        -- On some day of the period: reached inside it, or still held on its first day.
        max(stage_rank) > 0 or (min(valid_from) > period_start and min_by(previous_rank, valid_from) > 0) as was_in_stock
    from period_changes
    group by preset, brand_id, period_type, period_start, person_id
),

changed as (
    select
        preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock,
        count(*) as persons
    from changers
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
    inner join {{ ref('fct_aipl_daily') }} as stock
        on
            periods.brand_id = stock.brand_id
            and stock.as_of_date = {{ add_days('periods.period_start', -1) }}
    left join left_behind
        on
            stock.preset = left_behind.preset
            and periods.brand_id = left_behind.brand_id
            and periods.period_type = left_behind.period_type
            and periods.period_start = left_behind.period_start
            and stock.stage_rank = left_behind.from_rank
),

movements as (
    select preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock, persons from changed
    union all
    select preset, brand_id, period_type, period_start, from_rank, to_rank, was_in_stock, persons from unchanged
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
    on
        movements.brand_id = periods.brand_id
        and movements.period_type = periods.period_type
        and movements.period_start = periods.period_start
group by
    movements.preset, movements.brand_id, movements.period_type, movements.period_start, periods.period_end,
    movements.from_rank, movements.to_rank, movements.was_in_stock
having sum(movements.persons) <> 0
