{{ config(meta={'dagster': {'ref': {'name': 'fct_aipl_deepening'}}}) }}

-- Law: the channels and campaigns behind the deepening, those not seen included, add up to the deepened persons.
with attributed as (
    select preset, brand_id, period_type, period_start, sum(persons) as persons
    from {{ ref('fct_aipl_deepening') }}
    group by preset, brand_id, period_type, period_start
),

deepened as (
    select preset, brand_id, period_type, period_start, sum(persons) as persons
    from {{ ref('fct_aipl_flow') }}
    where movement = 'deepened'
    group by preset, brand_id, period_type, period_start
)

select *
from attributed
full outer join deepened using (preset, brand_id, period_type, period_start)
where attributed.persons is distinct from deepened.persons
