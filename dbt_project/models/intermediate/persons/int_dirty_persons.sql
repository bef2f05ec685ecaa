{{ changes_of('int_key_days', ['brand_id', 'person_id']) }}
union
{{ changes_of('int_person_states', ['brand_id', 'person_id']) }}
