with dirty as (
    {{ changes_of('int_events', ['brand_id', 'source_key', 'event_date as touch_date']) }}
    union
    {{ changes_of('int_paid_orders', ['brand_id', 'source_key', 'paid_date as touch_date']) }}
    union
    {{ changes_of('int_person_reviews', ['brand_id', 'source_key', 'reviewed_on as touch_date']) }}
),

-- Orders and reviews of a moved key are in their own changes already; its events did not change.
of_moved_keys as (
    select
        events.brand_id,
        events.source_key,
        events.event_date as touch_date
    from {{ ref('int_events') }} as events
    where events.source_key in (select moved.source_key from {{ ref('int_moved_keys') }} as moved)
),

bursts as (
    {{ differences_of('int_burst_visitor_days', ['source_id', 'visitor_id', 'event_date']) }}
),

of_bursts as (
    select
        events.brand_id,
        events.source_key,
        events.event_date as touch_date
    from {{ ref('int_events') }} as events
    where {{ in_relation('events', 'bursts', ['source_id', 'visitor_id', 'event_date']) }}
),

all_dirty as (
    select * from dirty
    union
    select * from of_moved_keys
    union
    select * from of_bursts
)

select * from all_dirty
where source_key is not null
