{# The layer is the schema: staging, intermediate, marts, seeds; no prefix by user or target. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
