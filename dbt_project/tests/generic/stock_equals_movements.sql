{# Whether the movements add up to the stock `before` the period, or `after` it. #}
{% test stock_equals_movements(model, periods, daily, at) %}
{%- set stage, without_stock, day = {
    'before': ('from_stage', 'new', add_days('periods.period_start', -1)),
    'after': ('to_stage', 'lost', 'periods.period_end'),
}[at] %}
with moved as (
    select preset, brand_id, period_type, period_start, {{ stage }} as stage, sum(persons) as persons
    from {{ model }}
    where movement <> '{{ without_stock }}'
    group by preset, brand_id, period_type, period_start, {{ stage }}
),

stock as (
    select
        stock.preset, periods.brand_id, periods.period_type, periods.period_start, stock.stage, stock.persons
    from {{ periods }} as periods
    inner join {{ daily }} as stock on periods.brand_id = stock.brand_id and stock.as_of_date = {{ day }}
    where stock.persons > 0
)

select *
from moved
full outer join stock using (preset, brand_id, period_type, period_start, stage)
where moved.persons is distinct from stock.persons
{% endtest %}
