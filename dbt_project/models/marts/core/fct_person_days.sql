{{ config(
    materialized='incremental',
    scope=[changed('int_key_days')],
    scope_key=['brand_id', 'person_id', 'touch_date'],
    on_schema_change='fail',
) }}

select
    days.brand_id,
    days.person_id,
    days.touch_kind,
    days.touch_date,
    max(days.max_rating) as max_rating,
    max(days.refunded_on) as refunded_on
from {{ ref('int_key_days') }} as days
where {{ in_scope('days') }}
group by days.brand_id, days.person_id, days.touch_kind, days.touch_date
