with dirty as (
    select
        brand_id,
        person_id
    from {{ ref('int_dirty_person_days') }}
    union
    {{ changes_of('int_memberships', ['brand_id', 'person_id']) }}
)

select * from dirty
where person_id is not null
