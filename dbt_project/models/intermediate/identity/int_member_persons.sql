{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_members',
    scope_key=['member_key'],
) }}

with recursive pairs as (
    select
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        {{ member_key(identity_space(), 'other_member_id') }} as other_key
    from {{ ref('int_identity_links') }}
    where is_current and not is_withdrawn and other_member_id <> ''
),

both_ways as (
    select member_key, other_key from pairs
    union
    select other_key as member_key, member_key as other_key from pairs
),

scoped as (
    select * from both_ways as links
    where
        true
        {{ and_in_scope('links', 'int_dirty_members', ['member_key']) }}
),

-- The smallest member of a group is smaller than all its neighbours, and so is every member on the way from it.
reached (member_key, person_id) as (
    select member_key, member_key from scoped
    group by member_key
    having min(other_key) >= member_key
    union
    select scoped.other_key, reached.person_id
    from reached
    inner join scoped on reached.member_key = scoped.member_key
    where scoped.other_key > reached.person_id
)

select
    member_key,
    min(person_id) as person_id
from reached
group by member_key
having min(person_id) <> member_key
