-- Only keys that belong to somebody else than before: most sign-ins of a night say what was known already.
with moved as (
    {{ differences_of('int_key_persons', ['source_key', 'valid_from', 'valid_to', 'person_id']) }}
)

select distinct source_key from moved
