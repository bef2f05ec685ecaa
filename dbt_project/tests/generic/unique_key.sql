{#
  A table has one row per key, and no key holds a NULL.
  arguments: key (list of columns).
#}
{% test unique_key(model, key) %}
select
    {{ key | join(', ') }},
    count(*) as rows_of_key
from {{ model }}
where
    {{ may_repeat(model, key) }}
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
