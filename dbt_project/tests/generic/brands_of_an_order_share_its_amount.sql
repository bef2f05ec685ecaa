{% test brands_of_an_order_share_its_amount(model, orders, order_brands) %}
select
    orders.source_id,
    orders.order_id,
    orders.amount,
    sum({{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }}) as of_brands
from {{ orders }} as orders
left join {{ order_brands }} as brands
    on orders.source_id = brands.source_id and orders.order_id = brands.order_id
where orders.amount is not null
group by orders.source_id, orders.order_id, orders.amount
having coalesce(
    sum({{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }}) <> orders.amount, true
)
{% endtest %}
