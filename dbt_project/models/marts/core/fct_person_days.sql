{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_person_days',
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
where
    true
    {{ and_in_scope('days', 'int_dirty_person_days', ['brand_id', 'person_id', 'touch_date']) }}
group by days.brand_id, days.person_id, days.touch_kind, days.touch_date
