with source as (
    select * from {{ source('sample_shop', 'categories') }}
)

select
    category_id,
    parent_id,
    name as category_name,
    {{ utc_from_local('updated_at', 'sample_shop') }} as updated_at,
    {{ row_origin('source') }},
    {{ reject_reason([
        (utc_from_local('updated_at', 'sample_shop') ~ ' is null', 'time that does not parse', 'updated_at'),
    ]) }} as reject_reason
from source
