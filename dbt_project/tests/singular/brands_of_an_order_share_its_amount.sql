{{ config(meta={'dagster': {'ref': {'name': 'fct_money_daily'}}}) }}

-- Law: the parts of a document's amount that its brands hold add up to it, to the last digit.
select
    orders.source_id,
    orders.order_id,
    orders.amount,
    sum({{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }}) as of_brands
from {{ ref('int_orders_settled') }} as orders
left join {{ ref('int_order_brands') }} as brands
    on orders.source_id = brands.source_id and orders.order_id = brands.order_id
where orders.amount is not null
group by orders.source_id, orders.order_id, orders.amount
having coalesce(sum({{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }}) <> orders.amount, true)
