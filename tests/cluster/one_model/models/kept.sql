{{ config(
    materialized='incremental',
    unique_key=['id'],
    scope=[by_macro('changed_groups', [])],
    scope_key=['group_id'],
) }}

select id, group_id, amount, updated_at
from parquet.`{{ env_var('DELIVERED') }}/rows.parquet` as delivered
where {{ in_scope('delivered') }}
