-- Members whose person may have changed: whoever a changed link unites, or united before it changed.
with recursive current_links as (
    select source_id, member_id, other_member_id from {{ ref('int_identity_links') }}
    where is_current and not is_withdrawn and other_member_id <> ''
),

changed_links as (
    {{ changes_of('int_identity_links', ['source_id', 'member_id', 'other_member_id']) }}
),

pairs as (
    select
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        {{ member_key(identity_space(), 'other_member_id') }} as other_key
    from (
        select * from current_links
        union
        select * from changed_links where other_member_id <> ''
    ) as links
),

both_ways as (
    select member_key, other_key from pairs
    union
    select other_key as member_key, member_key as other_key from pairs
),

reached (member_key) as (
    select {{ member_key(identity_space(), 'member_id') }} from changed_links where other_member_id <> ''
    union
    select both_ways.other_key
    from reached
    inner join both_ways on reached.member_key = both_ways.member_key
)

select member_key from reached
union
select {{ member_key(identity_space(), 'other_member_id') }} from changed_links where other_member_id <> ''
