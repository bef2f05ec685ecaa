{{ config(
    materialized='incremental',
    scope=[
        changed('int_events', ['brand_id', 'source_key', 'event_date']),
        changed('int_paid_orders', ['brand_id', 'source_key', 'paid_date']),
        changed('int_person_reviews', ['brand_id', 'source_key', 'reviewed_on']),
        moved_keys('int_events', ['brand_id', 'source_key', 'event_date']),
        changed(
            'int_burst_visitor_days', ['brand_id', 'source_key', 'event_date'],
            through='int_events', on=['source_id', 'visitor_id', 'event_date']
        ),
    ],
    scope_key=['brand_id', 'source_key', 'touch_date'],
) }}

with dated_events as (
    select
        *,
        event_date as touch_date
    from {{ ref('int_events') }}
),

scoped_events as (
    select * from dated_events as events
    where
        events.source_key is not null
        and {{ in_scope('events') }}
),

attributed as (
    {{ attributed_events('scoped_events') }}
),

touches as (
    select
        brand_id,
        source_key,
        person_id,
        touch_kind,
        touch_date,
        cast(null as integer) as rating,
        {{ open_end() }} as refunded_on
    from attributed
    where not is_bot

    union all

    select
        brand_id,
        source_key,
        person_id,
        'paid_order' as touch_kind,
        paid_date as touch_date,
        null as rating,
        coalesce(fully_refunded_on, {{ open_end() }}) as refunded_on
    from {{ ref('int_paid_orders') }}

    union all

    select
        brand_id,
        source_key,
        person_id,
        'review' as touch_kind,
        reviewed_on as touch_date,
        rating,
        {{ open_end() }} as refunded_on
    from {{ ref('int_person_reviews') }}
)

-- A paid day lasts until the latest end of its orders; a review day counts by its best rating.
select
    touches.brand_id,
    touches.source_key,
    touches.person_id,
    touches.touch_kind,
    touches.touch_date,
    max(touches.rating) as max_rating,
    max(touches.refunded_on) as refunded_on
from touches
where
    touches.source_key is not null
    and {{ in_scope('touches') }}
group by touches.brand_id, touches.source_key, touches.person_id, touches.touch_kind, touches.touch_date
