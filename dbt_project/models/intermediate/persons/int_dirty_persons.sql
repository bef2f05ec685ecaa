{{ changes_of('int_key_days', ['brand_id', 'person_id']) }}
union
{{ changes_of('int_person_states', ['brand_id', 'person_id']) }}
{%- if env_var('AIPL_DBT_RULES_CHANGED', 'false') == 'true' %}

union
-- The rules changed: everybody is judged anew, from the days that are known.
select brand_id, person_id from {{ ref('int_key_days') }}
union
select brand_id, person_id from {{ ref('int_person_states') }}
{%- endif %}
