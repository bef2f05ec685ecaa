{{ config(materialized='view') }}

select
    source_id,
    order_id,
    person_id,
    document_kind,
    status,
    created_at,
    created_date,
    paid_at,
    paid_date,
    cancelled_at,
    fully_refunded_on,
    amount,
    refunded_amount,
    cast(amount - refunded_amount as decimal(18, 4)) as net_amount,
    currency,
    is_purchase,
    is_ancient
from {{ ref('int_orders_settled') }}
