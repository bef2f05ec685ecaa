{#
  Law of sales lines: all lines of a purchase, with those of the bucket, add up to its amount, and those of a
  brand to what was paid for the brand, to the last digit.
  arguments: orders, paid_orders.
#}
{% test lines_add_up_to_purchases(model, orders, paid_orders) %}
with brands as (
    select sales.source_id, sales.order_id, sales.brand_id, sum(sales.paid_amount) as of_lines
    from {{ model }} as sales
    where
        true
        {{ and_changed(model, ['source_id', 'order_id'], 'sales') }}
    group by sales.source_id, sales.order_id, sales.brand_id
),

totals as (
    select source_id, order_id, sum(of_lines) as of_lines
    from brands
    group by source_id, order_id
)

select orders.source_id, orders.order_id, cast(null as {{ dbt.type_string() }}) as brand_id, totals.of_lines
from {{ orders }} as orders
left join totals on {{ join_on('orders', 'totals', ['source_id', 'order_id']) }}
where
    orders.is_purchase
    and orders.amount is not null
    and totals.of_lines is distinct from orders.amount
    {{ and_changed(model, ['source_id', 'order_id'], 'orders') }}

union all

select paid.source_id, paid.order_id, paid.brand_id, brands.of_lines
from {{ paid_orders }} as paid
left join brands on {{ join_on('paid', 'brands', ['source_id', 'order_id', 'brand_id']) }}
where
    paid.paid_amount is not null
    and brands.of_lines is distinct from paid.paid_amount
    {{ and_changed(model, ['source_id', 'order_id'], 'paid') }}
{% endtest %}
