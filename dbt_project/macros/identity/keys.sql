{#
  Keys of members and visitors: identity space, `m` or `v`, and id; NULL for an empty id. `space` is an SQL
  expression.
#}
{% macro member_key(space, member_id) -%}
    case when {{ member_id }} <> '' then {{ space }} || ':m:' || {{ member_id }} end
{%- endmacro %}

{% macro visitor_key(space, visitor_id) -%}
    case when {{ visitor_id }} <> '' then {{ space }} || ':v:' || {{ visitor_id }} end
{%- endmacro %}

{# Key of a row: member, else visitor; NULL if neither. #}
{% macro source_key(source_id, member_id='member_id', visitor_id='visitor_id') -%}
    {%- set space = "'" ~ (source_setting(source_id, 'identity_space') or source_id) ~ "'" -%}
    coalesce({{ member_key(space, member_id) }}, {{ visitor_key(space, visitor_id) }})
{%- endmacro %}

{#
  Key of the visits that an event may belong to: its session, else its visitor or member. An event with none of
  them is alone, under its own id, so that no key is NULL.
#}
{% macro visit_key(source_id) -%}
    {%- set space = "'" ~ (source_setting(source_id, 'identity_space') or source_id) ~ "'" -%}
    coalesce(
            case when session_id <> '' then {{ space }} || ':s:' || session_id end,
            {{ visitor_key(space, 'visitor_id') }},
            {{ member_key(space, 'member_id') }},
            '{{ source_id }}:e:' || event_id
        )
{%- endmacro %}

{# Identity space of a row, by its `source_id`. #}
{% macro identity_space(source_id='source_id') -%}
    case {{ source_id }}
        {%- for source, declared in configured_sources().items() %}
        when '{{ source }}' then '{{ declared.identity_space or source }}'
        {%- endfor %}
        else {{ source_id }}
    end
{%- endmacro %}
