{{ config(materialized='view') }}

select
    source_id,
    refund_id,
    brand_id,
    min(currency) as currency,
    min(refunded_on) as refunded_on,
    min(paid_date) as paid_date,
    cast(sum(amount) as decimal(18, 4)) as amount
from {{ ref('int_refund_lines') }}
where document_kind = 'refund'
group by source_id, refund_id, brand_id
