{{ config(meta={'dagster': {'ref': {'name': 'int_orders'}}}) }}

-- Law: each entity has exactly one current version.
{%- for name in entity_names() %}
{%- set key = (['source_id'] + entity(name).key) | join(" || ' ' || ") %}
select '{{ name }}' as entity, {{ key }} as entity_key
from {{ ref('int_' ~ name) }}
where not is_current or {{ may_repeat(ref('int_' ~ name), ['source_id'] + entity(name).key) }}
group by {{ (['source_id'] + entity(name).key) | join(', ') }}
having sum(case when is_current then 1 else 0 end) <> 1
{{ 'union all' if not loop.last }}
{%- endfor %}
