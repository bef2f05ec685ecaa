{{ config(materialized='view') }}

-- A purchase of nobody known is a buyer of its own: its money is in every total, and no stage held it before.
select
    brand_id,
    coalesce(person_id, 'order ' || source_id || ' ' || order_id) as buyer_id,
    person_id,
    paid_date,
    paid_amount as gmv
from {{ ref('int_paid_orders') }}
