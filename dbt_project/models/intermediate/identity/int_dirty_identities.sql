with members as (
    select member_key from {{ ref('int_dirty_members') }}
)

select visitor_key as source_key from {{ ref('int_dirty_visitors') }}
union
select member_key as source_key from members
union
select sign_ins.visitor_key as source_key
from {{ ref('int_sign_ins') }} as sign_ins
inner join members on sign_ins.member_key = members.member_key
