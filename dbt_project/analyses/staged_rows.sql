{#
  How each configured source is staged, as JSON `{source: {entity: {optional, rows}}}`: `rows` is the query of
  `read_staged`. The orchestrator stages new loads with it before they are accepted.
#}
{%- set queries = {} -%}
{%- for source_id, declared in configured_sources().items() -%}
    {%- set entities = {} -%}
    {%- for name in declared.entities if name in entity_names() -%}
        {%- set staging = ref('stg_' ~ source_id ~ '__' ~ name) -%}
        {%- do entities.update({name: {
            'optional': entity(name).optional or [],
            'rows': read_staged(name, source_id, staging, lacking=[]),
        }}) -%}
    {%- endfor -%}
    {%- do queries.update({source_id: entities}) -%}
{%- endfor -%}
{{ tojson(queries) }}
