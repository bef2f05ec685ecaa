{#
  How each configured source is staged, as JSON `{source: {entity: {key, version, needed, columns, optional,
  rows, item_rows}}}`: the contract of the entity, and queries of `read_staged`, without and with numbered items.
  The orchestrator stages new loads with it before they are accepted.
#}
{%- set queries = {} -%}
{%- for source_id, declared in configured_sources().items() -%}
    {%- set entities = {} -%}
    {%- for name in declared.entities if name in entity_names() -%}
        {%- set contract = entity(name) -%}
        {%- set of_keys = (source_setting(source_id, 'keys') or {}).values() | sum(start=[])
            | reject('in', contract.columns) | unique | list -%}
        {%- set optional = (contract.optional or []) + of_keys -%}
        {%- set staging = ref('stg_' ~ source_id ~ '__' ~ name) -%}
        {%- do entities.update({name: {
            'key': contract.key,
            'version': contract.version,
            'needed': contract.needed or [],
            'columns': contract.columns,
            'optional': optional,
            'rows': read_staged(name, source_id, staging, optional),
            'item_rows': read_staged(name, source_id, staging, optional + ['_document', '_item']),
        }}) -%}
    {%- endfor -%}
    {%- do queries.update({source_id: entities}) -%}
{%- endfor -%}
{{ tojson(queries) }}
