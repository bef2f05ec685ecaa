{{ config(
    materialized='incremental',
    scope=[changed('int_key_days'), changed('int_orders_settled'), changed('int_person_states')],
    scope_key=['person_id'],
    on_schema_change='fail',
) }}

with sightings as (
    select person_id, source_key, touch_date as seen_on from {{ ref('int_key_days') }}
    union all
    select person_id, source_key, created_date as seen_on from {{ ref('int_orders_settled') }}
    union all
    select person_id, source_key, valid_from as seen_on from {{ ref('int_person_states') }}
)

select
    sightings.person_id,
    sightings.source_key,
    case split_part(sightings.source_key, ':', 2) when 'm' then 'member' else 'visitor' end as key_kind,
    min(sightings.seen_on) as first_seen_on,
    max(sightings.seen_on) as last_seen_on
from sightings
where
    sightings.person_id is not null
    and {{ in_scope('sightings') }}
group by sightings.person_id, sightings.source_key
