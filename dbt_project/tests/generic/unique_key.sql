{#
  One row per key, and no NULL in the key.
  arguments: key (list of columns).
#}
{% test unique_key(model, key) %}
with judged as (
    select {{ key | join(', ') }} from {{ model }} as judged_rows
    where
        true
        {{ and_changed(model, key, 'judged_rows') }}
)

select
    {{ key | join(', ') }},
    count(*) as rows_of_key
from judged
where
    {{ may_repeat('judged', key) }}
    {%- for column in key %}
    or {{ column }} is null
    {%- endfor %}
group by {{ key | join(', ') }}
having
    count(*) > 1
    {%- for column in key %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
