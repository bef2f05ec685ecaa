{{ config(
    materialized='incremental',
    scope=[
        changed('int_sign_ins', ['visitor_key']),
        changed('int_member_persons', ['member_key']),
        changed('int_member_persons', ['visitor_key'], through='int_sign_ins', on=['member_key']),
    ],
    scope_key=['source_key'],
    only_differences=true,
) }}

with sign_ins as (
    select
        sign_ins.*,
        sign_ins.visitor_key as source_key
    from {{ ref('int_sign_ins') }} as sign_ins
),

scoped as (
    select * from sign_ins
    where {{ in_scope('sign_ins') }}
),

united_members as (
    select member_key as source_key, person_id from {{ ref('int_member_persons') }}
),

shared as (
    select source_key from scoped
    group by source_key
    having count(distinct member_key) > {{ var('max_members_per_visitor') }}
),

-- Devices shared by too many members: only declared sign-ins count.
deciding as (
    select
        scoped.*,
        shared.source_key is not null as is_shared
    from scoped
    left join shared on scoped.source_key = shared.source_key
    where shared.source_key is null or scoped.is_declared
),

bounds as (
    select source_key, {{ dawn_of_time() }} as bound_at from deciding
    union
    select source_key, valid_from as bound_at from deciding
    union
    select source_key, valid_to as bound_at from deciding where valid_to < {{ end_of_time() }}
),

candidates as (
    select
        bounds.source_key,
        bounds.bound_at,
        deciding.member_key,
        deciding.valid_from,
        deciding.valid_to,
        deciding.is_shared,
        case
            when bounds.bound_at < deciding.valid_from then 'not begun'
            when bounds.bound_at < deciding.valid_to then 'active'
            else 'ended'
        end as phase
    from bounds
    inner join deciding on bounds.source_key = deciding.source_key
),

-- The member signed in at the time, else the last one who signed out, else the first one to sign in.
ranked as (
    select
        source_key,
        bound_at,
        case when phase = 'active' or not is_shared then member_key end as member_key,
        row_number() over (
            partition by source_key, bound_at
            order by
                case phase when 'active' then 1 when 'ended' then 2 else 3 end,
                case when phase = 'ended' then valid_to end desc nulls last,
                case when phase <> 'not begun' then valid_from end desc nulls last,
                case when phase = 'not begun' then valid_from end nulls last,
                member_key
        ) as candidate_rank
    from candidates
),

owned as (
    select
        ranked.source_key,
        ranked.bound_at,
        coalesce(united_members.person_id, ranked.member_key) as person_id
    from ranked
    left join united_members on ranked.member_key = united_members.source_key
    where ranked.candidate_rank = 1
),

neighbours as (
    select
        *,
        lag(person_id) over (partition by source_key order by bound_at) as previous_person_id,
        lag(bound_at) over (partition by source_key order by bound_at) as previous_bound_at
    from owned
),

-- Two steps, since lead() would still see the equal neighbours that this filter drops.
changes as (
    select * from neighbours
    where previous_bound_at is null or person_id is distinct from previous_person_id
),

spans as (
    select
        source_key,
        bound_at as valid_from,
        lead(bound_at, 1, {{ end_of_time() }}) over (partition by source_key order by bound_at) as valid_to,
        person_id
    from changes
)

select source_key, valid_from, valid_to, person_id
from spans
where person_id is not null

union all

select
    source_key,
    {{ dawn_of_time() }} as valid_from,
    {{ end_of_time() }} as valid_to,
    person_id
from united_members
where {{ in_scope('united_members') }}
