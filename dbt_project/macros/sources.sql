{#
  What the sources file says of the configured sources, as `{source_id: {identity_space, timezone, currency,
  feed, starts_on, brands, entities}}`. The orchestrator hands it over in the environment, so that a source is
  declared in one place; without it (a bare `dbt parse`) no source is configured.
#}
{% macro configured_sources() -%}
    {{ return(fromjson(env_var('AIPL_DBT_SOURCES', '{}'))) }}
{%- endmacro %}

{# One declared setting of a source, such as `timezone`; a source that is not configured has none. #}
{% macro source_setting(source_id, key) -%}
    {{ return(configured_sources().get(source_id, {}).get(key)) }}
{%- endmacro %}
