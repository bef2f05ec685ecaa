{% test classes_of_buyers_grow_as_all_do(model) %}
select
    brand_id,
    comparison_kind,
    period_id,
    money_basis,
    category_id,
    sum(case when buyer_class = 'all' then gain + retain + boost else 0 end) as of_all,
    sum(case when buyer_class = 'all' then 0 else gain + retain + boost end) as of_classes
from {{ model }}
group by brand_id, comparison_kind, period_id, money_basis, category_id
having
    abs(
        sum(case when buyer_class = 'all' then gain + retain + boost else 0 end)
        - sum(case when buyer_class = 'all' then 0 else gain + retain + boost end)
    ) >= 0.005
{% endtest %}
