{% test stock_equals_history(model, history, brands) %}
with counted as (
    select history.preset, history.brand_id, history.stage, count(*) as persons
    from {{ history }} as history
    inner join {{ brands }} as brands on history.brand_id = brands.brand_id
    where
        history.stage_rank > 0
        -- A brand that begins later has no stock yet.
        and brands.first_day <= {{ add_days('brands.horizon', 1) }}
        and history.valid_from <= brands.horizon
        and brands.horizon < history.valid_to
    group by history.preset, history.brand_id, history.stage
),

stock as (
    select daily.preset, daily.brand_id, daily.stage, daily.persons
    from {{ model }} as daily
    inner join {{ brands }} as brands
        on daily.brand_id = brands.brand_id and daily.as_of_date = brands.horizon
    where daily.persons > 0
)

select *
from counted
full outer join stock using (preset, brand_id, stage)
where counted.persons is distinct from stock.persons
{% endtest %}
