with source as (
    select * from {{ source('taobao_user_behavior', 'events') }}
    where item_id is not null
)

select
    item_id as product_id,
    'taobao' as brand_id,
    max(category_id) as category_id,
    _load_date,
    _file,
    min(_row) as _row,
    {{ no_row() }} as raw_row,
    cast(null as {{ dbt.type_string() }}) as reject_reason
from source
group by item_id, _load_date, _file
