{# The layer is the schema: staging, intermediate, marts, seeds; no prefix by user or target. A release has one schema. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name and target.name != 'release' else target.schema }}
{%- endmacro %}
