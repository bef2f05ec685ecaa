{{ config(materialized='view') }}

select
    brand_id,
    person_id,
    touch_kind,
    touch_date,
    max(max_rating) as max_rating,
    max(refunded_on) as refunded_on
from {{ ref('int_key_days') }}
group by brand_id, person_id, touch_kind, touch_date
