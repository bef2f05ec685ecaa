-- A table of its own, so that the engine knows how few they are before it reads all events.
select distinct
    days.brand_id,
    days.source_key
from {{ ref('int_key_days') }} as days
where {{ in_relation('days', ref('int_dirty_person_periods'), ['brand_id', 'person_id']) }}
