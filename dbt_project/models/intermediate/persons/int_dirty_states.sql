{{ changes_of('int_memberships', ['source_id', 'membership_id']) }}
union
select
    memberships.source_id,
    memberships.membership_id
from {{ ref('int_memberships') }} as memberships
inner join {{ ref('int_moved_keys') }} as moved on memberships.source_key = moved.source_key
