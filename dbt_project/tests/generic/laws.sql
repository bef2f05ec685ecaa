{#
  All laws of a table in one query: one row per broken law, with how many rows break it and the first three.
  arguments: laws, a list of generic tests as dbt writes them, without their `arguments:`.
  A law is called by its `name`, else by its kind; its `description` is for people.
#}
{% test laws(model, laws) %}
{#- While dbt parses, a test may call no macro by a name that it is given; it needs the arguments alone. -#}
{%- if execute %}
{%- for law in laws %}
{%- for kind, arguments in law.items() %}
{%- set name = arguments.pop('name', kind) %}
{%- do arguments.pop('description', none) %}
select
    '{{ model.identifier }}' as table_name,
    '{{ name }}' as law,
    count(*) as failures,
    {{ first_of(as_json(whole_row('broken')), 3) }} as examples
from (
    {{ context['test_' ~ kind](model, **arguments) }}
) as broken
having count(*) > 0
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endif %}
{% endtest %}
