{{ config(
    materialized='incremental',
    scope=[by_macro('members_of_changed_links', ['int_identity_links'])],
    scope_key=['member_key'],
) }}

with recursive links as (
    select * from {{ ref('int_identity_links') }}
    where is_current and not is_withdrawn
),

pairs as (
    {{ united_pairs('links') }}
),

scoped as (
    select * from pairs
    where {{ in_scope('pairs') }}
),

-- The smallest member of a group is smaller than all its neighbours, as is every member on the way from it.
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
