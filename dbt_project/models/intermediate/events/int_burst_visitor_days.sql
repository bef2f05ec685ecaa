{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_visitor_days',
    scope_key=['source_id', 'visitor_id', 'event_date'],
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
    {{ and_in_scope('events', 'int_dirty_visitor_days', ['source_id', 'visitor_id', 'event_date']) }}
group by events.source_id, events.visitor_id, events.event_date
having count(*) > {{ var('bot_events_per_day') }}
