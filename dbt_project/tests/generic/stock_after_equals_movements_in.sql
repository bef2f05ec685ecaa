{% test stock_after_equals_movements_in(model, periods, daily) %}
with moved as (
    select preset, brand_id, period_type, period_start, to_stage as stage, sum(persons) as persons
    from {{ model }}
    where movement <> 'lost'
    group by preset, brand_id, period_type, period_start, to_stage
),

stock as (
    select
        stock.preset, periods.brand_id, periods.period_type, periods.period_start, stock.stage, stock.persons
    from {{ periods }} as periods
    inner join {{ daily }} as stock
        on periods.brand_id = stock.brand_id and periods.period_end = stock.as_of_date
    where stock.persons > 0
)

select *
from moved
full outer join stock using (preset, brand_id, period_type, period_start, stage)
where moved.persons is distinct from stock.persons
{% endtest %}
