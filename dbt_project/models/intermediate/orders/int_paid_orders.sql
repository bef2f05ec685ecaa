{{ config(
    materialized='incremental',
    scope=[changed('int_orders_settled'), changed('int_order_brands')],
    scope_key=['source_id', 'order_id'],
) }}

with purchases as (
    select * from {{ ref('int_orders_settled') }} as orders
    where
        orders.is_purchase
        and {{ in_scope('orders') }}
)

-- A brand that is only a gift in an order was not bought.
select
    purchases.source_id,
    purchases.order_id,
    brands.brand_id,
    purchases.source_key,
    purchases.person_id,
    {{ brand_business_date('purchases.paid_at', 'purchases.source_id', 'brands.brand_id') }} as paid_date,
    {{ brand_business_date('purchases.fully_refunded_at', 'purchases.source_id', 'brands.brand_id') }}
        as fully_refunded_on,
    purchases.currency,
    brands.line_amount as amount,
    {{ split_amount('purchases.amount', 'brands.share_from', 'brands.share_to') }} as paid_amount
from purchases
inner join {{ ref('int_order_brands') }} as brands
    on {{ join_on('purchases', 'brands', ['source_id', 'order_id']) }}
where brands.is_brand_known and (brands.line_amount is null or brands.line_amount > 0)
