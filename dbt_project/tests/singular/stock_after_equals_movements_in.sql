{{ config(meta={'dagster': {'ref': {'name': 'fct_aipl_flow'}}}) }}

-- Law: end stock = kept + deepened + shallowed + new, stage by stage.
with moved as (
    select preset, brand_id, period_type, period_start, to_stage as stage, sum(persons) as persons
    from {{ ref('fct_aipl_flow') }}
    where movement <> 'lost'
    group by preset, brand_id, period_type, period_start, to_stage
),

stock as (
    select
        stock.preset, periods.brand_id, periods.period_type, periods.period_start, stock.stage, stock.persons
    from {{ ref('int_periods') }} as periods
    inner join {{ ref('fct_aipl_daily') }} as stock
        on periods.brand_id = stock.brand_id and periods.period_end = stock.as_of_date
    where stock.persons > 0
)

select *
from moved
full outer join stock using (preset, brand_id, period_type, period_start, stage)
where moved.persons is distinct from stock.persons
