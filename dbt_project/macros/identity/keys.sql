{#
  Keys of members and visitors, the same text wherever they stand: identity space, `m` or `v`, and the id; NULL
  for an empty id, which names nobody. `space` is an SQL expression.
#}
{% macro member_key(space, member_id) -%}
    case when {{ member_id }} <> '' then {{ space }} || ':m:' || {{ member_id }} end
{%- endmacro %}

{% macro visitor_key(space, visitor_id) -%}
    case when {{ visitor_id }} <> '' then {{ space }} || ':v:' || {{ visitor_id }} end
{%- endmacro %}

{# The key on a row: the member, else the visitor; NULL where the row names neither. #}
{% macro source_key(source_id, member_id='member_id', visitor_id='visitor_id') -%}
    {%- set space = "'" ~ (source_setting(source_id, 'identity_space') or source_id) ~ "'" -%}
    coalesce({{ member_key(space, member_id) }}, {{ visitor_key(space, visitor_id) }})
{%- endmacro %}

{# The identity space of a row of any source, by its column `source_id`: where its ids are unique. #}
{% macro identity_space(source_id='source_id') -%}
    case {{ source_id }}
        {%- for source, declared in configured_sources().items() %}
        when '{{ source }}' then '{{ declared.identity_space or source }}'
        {%- endfor %}
        else {{ source_id }}
    end
{%- endmacro %}
