-- Visitors whose sign-ins may have changed: named together with a member by an event or a link of this run.
with rows_with_both as (
    {{ changes_of('int_events', ['source_id', 'visitor_id', 'member_id']) }}
    union
    {{ changes_of('int_identity_links', ['source_id', 'visitor_id', 'member_id']) }}
)

select distinct {{ visitor_key(identity_space(), 'visitor_id') }} as visitor_key
from rows_with_both
where visitor_id <> '' and member_id <> ''
