{{ config(
    materialized='incremental',
    scope=[changed('int_events')],
    scope_key=['source_id', 'visitor_id', 'event_date'],
    only_differences=true,
) }}

select
    events.source_id,
    events.visitor_id,
    events.event_date,
    count(*) as events
from {{ ref('int_events') }} as events
where
    events.is_current
    and events.visitor_id <> ''
    and {{ in_scope('events') }}
group by events.source_id, events.visitor_id, events.event_date
having count(*) > {{ var('bot_events_per_day') }}
