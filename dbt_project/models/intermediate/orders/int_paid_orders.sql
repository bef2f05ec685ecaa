{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_orders',
    scope_key=['source_id', 'order_id'],
) }}

with purchases as (
    select * from {{ ref('int_orders_settled') }} as orders
    where
        orders.is_purchase
        {{ and_in_scope('orders', 'int_dirty_orders', ['source_id', 'order_id']) }}
),

lines as (
    select * from {{ ref('int_order_lines') }} as lines
    where
        lines.is_current
        {{ and_in_scope('lines', 'int_dirty_orders', ['source_id', 'order_id']) }}
),

-- An order that lists no lines belongs to the only brand of its source, if there is only one.
sole_brands as (
    select source_id, min(brand_id) as brand_id
    from {{ source('arrival', 'brands') }}
    group by source_id
    having count(*) = 1
),

brand_totals as (
    select
        source_id,
        order_id,
        brand_id,
        case when count(amount) = count(*) then cast(sum(amount) as decimal(18, 4)) end as amount
    from lines
    group by source_id, order_id, brand_id

    union all

    select purchases.source_id, purchases.order_id, sole_brands.brand_id, purchases.amount
    from purchases
    inner join sole_brands on purchases.source_id = sole_brands.source_id
    where not {{ in_relation('purchases', 'lines', ['source_id', 'order_id']) }}
)

-- A brand that an order holds only as a gift was not bought.
select
    purchases.source_id,
    purchases.order_id,
    brand_totals.brand_id,
    purchases.source_key,
    purchases.person_id,
    {{ brand_business_date('purchases.paid_at', 'purchases.source_id', 'brand_totals.brand_id') }} as paid_date,
    {{ brand_business_date('purchases.fully_refunded_at', 'purchases.source_id', 'brand_totals.brand_id') }}
        as fully_refunded_on,
    brand_totals.amount
from purchases
inner join brand_totals
    on purchases.source_id = brand_totals.source_id and purchases.order_id = brand_totals.order_id
where brand_totals.amount is null or brand_totals.amount > 0
