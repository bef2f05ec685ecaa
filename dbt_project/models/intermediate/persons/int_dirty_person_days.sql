with dirty as (
    {{ changes_of('int_events', ['brand_id', 'person_id', 'event_date as touch_date']) }}
    union
    {{ changes_of('int_paid_orders', ['brand_id', 'person_id', 'paid_date as touch_date']) }}
    union
    {{ changes_of('int_person_reviews', ['brand_id', 'person_id', 'reviewed_on as touch_date']) }}
)

select * from dirty
where person_id is not null
