{%- for name in entity_names() %}
{%- set key = ['source_id'] + entity(name).key %}
{{ 'with' if loop.first }} judged_{{ name }} as (
    select {{ key | join(', ') }}, is_current, is_replaced or _item = 0 as is_gone
    from {{ ref('int_' ~ name) }} as versions
    where
        true
        {{ and_changed(ref('int_' ~ name), key, 'versions') }}
){{ ',' if not loop.last }}
{%- endfor %}
{% for name in entity_names() %}
{%- set key = ['source_id'] + entity(name).key %}
select '{{ name }}' as entity, {{ key | join(" || ' ' || ") }} as entity_key
from judged_{{ name }}
where not is_current or {{ may_repeat('judged_' ~ name, key) }}
group by {{ key | join(', ') }}
having
    sum(case when is_current then 1 else 0 end) <> max(case when is_gone then 0 else 1 end)
{{ 'union all' if not loop.last }}
{%- endfor %}
