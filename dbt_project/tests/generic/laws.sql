{#
  All laws of a table in one query: one row per broken law, with its number of bad rows and the first three.
  arguments: laws, a list of generic tests as in dbt, without their `arguments:`.
  A law is named by its `name`, else its kind; its `description` is documentation only.
#}
{% test laws(model, laws) %}
{#- While parsing, dbt cannot call a macro by a dynamic name; it only needs the arguments. -#}
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
