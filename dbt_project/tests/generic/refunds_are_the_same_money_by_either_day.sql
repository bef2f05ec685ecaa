{% test refunds_are_the_same_money_by_either_day(model) %}
select
    brand_id,
    currency,
    sum(refunded_amount) as by_refund_day,
    sum(refunded_as_known) as as_known
from {{ model }}
group by brand_id, currency
having
    coalesce(sum(refunded_amount), 0) <> coalesce(sum(refunded_as_known), 0)
    or sum(unknown_amount_refunds) <> sum(unknown_amount_refunds_as_known)
{% endtest %}
