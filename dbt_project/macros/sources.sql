{#
  Declarations of the sources file, as `{source_id: {identity_space, timezone, currency, feed, starts_on,
  placeholders, id_case, keys, currencies, decimal_marks, brands, entities}}`, passed by the orchestrator in
  the environment; empty without it (a bare `dbt parse`).
#}
{% macro configured_sources() -%}
    {{ return(fromjson(env_var('AIPL_DBT_SOURCES', '{}'))) }}
{%- endmacro %}

{# A declared setting of a source, such as `timezone`; none if the source is not configured. #}
{% macro source_setting(source_id, key) -%}
    {{ return(configured_sources().get(source_id, {}).get(key)) }}
{%- endmacro %}
