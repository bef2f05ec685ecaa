-- A table of its own, so that the engine knows how few they are before it reads all events.
select distinct keys.source_key
from {{ ref('dim_person_key') }} as keys
where {{ in_relation('keys', ref('int_dirty_person_periods'), ['person_id']) }}
