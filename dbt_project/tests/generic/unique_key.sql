{#
  One row per key, and no NULL in the key.
  arguments: key (list of columns), nullable (those of them in which NULL is a value like any other).
#}
{% test unique_key(model, key, nullable=[]) %}
{%- set told = key | reject('in', nullable) | list %}
with judged as (
    select {{ key | join(', ') }} from {{ model }} as judged_rows
    where
        true
        {{ and_changed(model, told, 'judged_rows') }}
)

select
    {{ key | join(', ') }},
    count(*) as rows_of_key
from judged
where
    {{ may_repeat('judged', key) }}
    {%- for column in told %}
    or {{ column }} is null
    {%- endfor %}
group by {{ key | join(', ') }}
having
    count(*) > 1
    {%- for column in told %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
