{{ config(
    materialized='incremental',
    scope=[changed('int_events', where='channel is not null')],
    scope_key=['source_id'],
    only_differences=true,
) }}

select distinct events.source_id
from {{ ref('int_events') }} as events
where
    events.is_current
    and events.channel is not null
    and {{ in_scope('events') }}
