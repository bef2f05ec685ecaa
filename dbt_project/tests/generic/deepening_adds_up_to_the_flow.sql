{% test deepening_adds_up_to_the_flow(model, flow) %}
with attributed as (
    select preset, brand_id, period_type, period_start, sum(persons) as persons
    from {{ model }}
    group by preset, brand_id, period_type, period_start
),

deepened as (
    select preset, brand_id, period_type, period_start, sum(persons) as persons
    from {{ flow }}
    where movement = 'deepened'
    group by preset, brand_id, period_type, period_start
)

select *
from attributed
full outer join deepened using (preset, brand_id, period_type, period_start)
where attributed.persons is distinct from deepened.persons
{% endtest %}
