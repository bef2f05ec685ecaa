with dirty as (
    {{ changes_of('int_events', ['source_id', 'visitor_id', 'event_date']) }}
)

select * from dirty
where visitor_id <> ''
