{# One schema per layer, without a prefix for user or target. A release has a single schema. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name and target.name != 'release' else target.schema }}
{%- endmacro %}
