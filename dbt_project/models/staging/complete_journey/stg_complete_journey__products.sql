with source as (
    select * from {{ source('complete_journey', 'products') }}
)

select
    product_id,
    'complete_journey' as brand_id,
    product_type || coalesce(' ' || package_size, '') as product_name,
    product_category as category_id,
    product_category as category_name,
    department,
    {{ row_origin('source') }},
    cast(null as {{ dbt.type_string() }}) as reject_reason
from source
