{{ config(materialized='view') }}

with refunds as (
    select * from {{ ref('int_refunds') }}
    where is_current
),

sole_brands as (
    select source_id, min(brand_id) as brand_id
    from {{ source('arrival', 'brands') }}
    group by source_id
    having count(*) = 1
),

of_orders as (
    select
        refunds.source_id,
        refunds.refund_id,
        brands.brand_id,
        coalesce(refunds.currency, orders.currency) as currency,
        {{ brand_business_date('refunds.refunded_at', 'refunds.source_id', 'brands.brand_id') }}
            as refunded_on,
        case
            when orders.is_purchase
                then {{ brand_business_date('orders.paid_at', 'refunds.source_id', 'brands.brand_id') }}
        end as paid_date,
        {{ split_amount('refunds.amount', 'brands.share_from', 'brands.share_to') }} as amount
    from refunds
    inner join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('refunds', 'orders', ['source_id', 'order_id']) }}
    inner join {{ ref('int_order_brands') }} as brands
        on {{ join_on('refunds', 'brands', ['source_id', 'order_id']) }}
),

-- Without a known order, the money goes to the only brand of the source, or to its bucket.
of_no_order as (
    select
        refunds.source_id,
        refunds.refund_id,
        coalesce(sole_brands.brand_id, {{ unbranded('refunds.source_id') }}) as brand_id,
        refunds.currency,
        refunds.refunded_at,
        refunds.amount
    from refunds
    left join sole_brands on refunds.source_id = sole_brands.source_id
    left join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('refunds', 'orders', ['source_id', 'order_id']) }}
    where orders.order_id is null
)

select source_id, refund_id, brand_id, currency, refunded_on, paid_date, amount from of_orders

union all

select
    source_id,
    refund_id,
    brand_id,
    currency,
    {{ brand_business_date('refunded_at', 'source_id', 'brand_id') }} as refunded_on,
    cast(null as date) as paid_date,
    amount
from of_no_order
