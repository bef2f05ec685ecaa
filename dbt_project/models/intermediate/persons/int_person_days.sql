{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_person_days',
    scope_key=['brand_id', 'person_id', 'touch_date'],
) }}

with touches as (
    select
        brand_id,
        person_id,
        touch_kind,
        event_date as touch_date,
        cast(null as integer) as rating,
        {{ open_end() }} as refunded_on
    from {{ ref('int_events') }}
    where is_current

    union all

    select
        brand_id,
        person_id,
        'paid_order' as touch_kind,
        paid_date as touch_date,
        null as rating,
        coalesce(fully_refunded_on, {{ open_end() }}) as refunded_on
    from {{ ref('int_paid_orders') }}

    union all

    select
        brand_id,
        person_id,
        'review' as touch_kind,
        reviewed_on as touch_date,
        rating,
        {{ open_end() }} as refunded_on
    from {{ ref('int_person_reviews') }}
)

-- A paid day lives until the latest end of its orders, and counts by its best review.
select
    touches.brand_id,
    touches.person_id,
    touches.touch_kind,
    touches.touch_date,
    max(touches.rating) as max_rating,
    max(touches.refunded_on) as refunded_on
from touches
where
    touches.person_id is not null
    {{ and_in_scope('touches', 'int_dirty_person_days', ['brand_id', 'person_id', 'touch_date']) }}
group by touches.brand_id, touches.person_id, touches.touch_kind, touches.touch_date
