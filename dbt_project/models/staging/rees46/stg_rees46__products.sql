with source as (
    select * from {{ source('rees46', 'events') }}
    where product_id is not null
)

select
    product_id,
    {{ brand_or_unbranded('max(brand)', 'rees46') }} as brand_id,
    max(category_id) as category_id,
    max(category_code) as category_name,
    _load_date,
    _file,
    min(_row) as _row,
    {{ no_row() }} as raw_row,
    cast(null as {{ dbt.type_string() }}) as reject_reason
from source
group by product_id, _load_date, _file
