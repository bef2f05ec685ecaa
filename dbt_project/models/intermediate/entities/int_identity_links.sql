{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_changed_files',
    scope_key=['source_id', '_file'],
    unique_key=['source_id', '_file', '_row'],
) }}

-- depends_on: {{ ref('int_changed_files') }}
{{ entity_versions('identity_links') }}
