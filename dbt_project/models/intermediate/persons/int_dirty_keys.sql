with dirty as (
    select person_id from {{ ref('int_dirty_persons') }}
    union
    {{ changes_of('int_orders_settled', ['person_id']) }}
)

select * from dirty
where person_id is not null
