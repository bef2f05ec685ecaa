{{ config(materialized='view') }}

select
    lines.source_id,
    lines.order_id,
    lines.line_id,
    lines.brand_id,
    lines.product_id,
    orders.person_id,
    orders.document_kind,
    orders.is_purchase,
    {{ brand_business_date('orders.paid_at', 'lines.source_id', 'lines.brand_id') }} as paid_date,
    lines.quantity,
    lines.unit_price,
    lines.amount,
    orders.currency,
    lines.is_duplicate
from {{ ref('int_order_lines') }} as lines
left join {{ ref('int_orders_settled') }} as orders
    on {{ join_on('lines', 'orders', ['source_id', 'order_id']) }}
where lines.is_current
