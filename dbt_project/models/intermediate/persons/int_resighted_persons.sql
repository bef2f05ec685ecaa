with resighted as (
    {{ changes_of('int_key_days', ['person_id']) }}
    union
    {{ changes_of('int_orders_settled', ['person_id']) }}
    union
    {{ changes_of('int_person_states', ['person_id']) }}
)

select * from resighted
where person_id is not null
