{#- Every build looks at all brands; its changes are those with other days than in the last build. -#}
{{ config(
    materialized='incremental',
    scope=[by_macro('every_brand', ['int_brands'])],
    scope_key=['brand_id'],
    only_differences=true,
) }}

select
    brand_id,
    first_day,
    horizon
from {{ ref('int_brands') }}
