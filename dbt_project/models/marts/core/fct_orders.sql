{{ config(materialized='view', shows='int_orders_settled') }}

with first_days as (
    select order_brands.source_id, order_brands.order_id, min(brands.first_day) as first_day
    from {{ ref('int_order_brands') }} as order_brands
    inner join {{ ref('int_brands') }} as brands on order_brands.brand_id = brands.brand_id
    group by order_brands.source_id, order_brands.order_id
)

select
    orders.source_id,
    orders.order_id,
    orders.person_id,
    orders.document_kind,
    orders.status,
    orders.created_at,
    orders.created_date,
    orders.paid_at,
    orders.paid_date,
    orders.cancelled_at,
    orders.fully_refunded_on,
    orders.amount,
    orders.refunded_amount,
    cast(orders.amount - orders.refunded_amount as decimal(18, 4)) as net_amount,
    orders.other_currency_refunds,
    orders.currency,
    orders.is_purchase,
    coalesce(orders.created_date < first_days.first_day, false) as is_ancient
from {{ ref('int_orders_settled') }} as orders
left join first_days on {{ join_on('orders', 'first_days', ['source_id', 'order_id']) }}
