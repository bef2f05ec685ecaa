{#
  The one rule of who a row belongs to: the member, else the visitor, prefixed by the source's identity space;
  NULL where the row names neither; an empty key names nobody.
#}
{% macro person_id(source_id, member_id='member_id', visitor_id='visitor_id') -%}
    {%- set space = source_setting(source_id, 'identity_space') or source_id -%}
    case
        when {{ member_id }} <> '' then '{{ space }}:m:' || {{ member_id }}
        when {{ visitor_id }} <> '' then '{{ space }}:v:' || {{ visitor_id }}
    end
{%- endmacro %}
