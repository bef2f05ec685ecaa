with history as (
    select * from {{ ref('int_stage_history') }}
    where stage_rank > 0
),

stages as (
    select * from {{ ref('aipl_stages') }}
    where rank > 0
),

-- The day before the data are complete opens the first period; its stock includes all earlier changes.
brands as (
    select
        history.preset,
        history.brand_id,
        greatest(min(history.valid_from), {{ add_days('max(brands.first_day)', -1) }}) as first_day,
        max(brands.horizon) as horizon
    from history
    inner join {{ ref('int_brands') }} as brands on history.brand_id = brands.brand_id
    group by history.preset, history.brand_id
),

moves as (
    select preset, brand_id, stage_rank, valid_from as move_date, count(*) as persons
    from history
    group by preset, brand_id, stage_rank, valid_from

    union all

    select preset, brand_id, stage_rank, valid_to as move_date, -count(*) as persons
    from history
    group by preset, brand_id, stage_rank, valid_to
),

move_days as (
    select
        moves.preset,
        moves.brand_id,
        moves.stage_rank,
        greatest(moves.move_date, brands.first_day) as move_date,
        sum(moves.persons) as persons
    from moves
    inner join brands on {{ join_on('moves', 'brands', ['preset', 'brand_id']) }}
    group by moves.preset, moves.brand_id, moves.stage_rank, greatest(moves.move_date, brands.first_day)
),

dates as (
    {{ date_series('(select min(first_day) from brands)', '(select max(horizon) from brands)') }}
),

spine as (
    select
        brands.preset,
        brands.brand_id,
        dates.date_day as as_of_date,
        stages.stage,
        stages.rank as stage_rank
    from brands
    inner join stages on brands.preset = stages.preset
    inner join dates on dates.date_day between brands.first_day and brands.horizon
)

select
    spine.preset,
    spine.brand_id,
    spine.as_of_date,
    spine.stage,
    spine.stage_rank,
    cast(
        sum(coalesce(move_days.persons, 0)) over (
            partition by spine.preset, spine.brand_id, spine.stage_rank order by spine.as_of_date
            rows between unbounded preceding and current row
        ) as bigint
    ) as persons
from spine
left join move_days
    on
        {{ join_on('spine', 'move_days', ['preset', 'brand_id', 'stage_rank']) }}
        and spine.as_of_date = move_days.move_date
