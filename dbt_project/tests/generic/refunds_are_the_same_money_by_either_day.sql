{% test refunds_are_the_same_money_by_either_day(model) %}
select
    brand_id,
    currency,
    sum(refunded_amount) as by_refund_day,
    sum(refunded_as_known) as as_known
from {{ model }}
group by brand_id, currency
having sum(refunded_amount) <> sum(refunded_as_known)
{% endtest %}
