with source as (
    select * from {{ source('sample_shop', 'products') }}
),

shaped as (
    select
        product_id,
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        name as product_name,
        category_id,
        category_name,
        list_price,
        {{ safe_cast('listed_on', 'date') }} as listed_on,
        {{ safe_cast('delisted_on', 'date') }} as delisted_on,
        {{ utc_from_local('updated_at', 'sample_shop') }} as updated_at,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('product_id is null', 'no product id', 'product_id'),
        ('updated_at is null', 'time that does not parse', 'updated_at'),
        (is_future(business_date('updated_at', 'sample_shop')), 'time in the future', 'updated_at'),
    ]) }} as reject_reason
from shaped
