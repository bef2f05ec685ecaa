with source as (
    select * from {{ source('sample_shop', 'gmv_targets') }}
),

shaped as (
    select
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        {{ safe_cast('period_start', 'date') }} as period_start,
        {{ safe_cast('period_end', 'date') }} as period_end,
        {{ safe_cast('gmv', 'decimal(18, 4)') }} as gmv,
        currency,
        {{ utc_from_local('updated_at', 'sample_shop') }} as updated_at,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('updated_at is null', 'time that does not parse', 'updated_at'),
        (is_future(business_date('updated_at', 'sample_shop')), 'time in the future', 'updated_at'),
        ('period_start is null or period_end is null', 'date that does not parse'),
        ('gmv is null', 'amount that is not a number', 'gmv'),
        ('gmv < 0', 'negative amount', 'gmv'),
    ]) }} as reject_reason
from shaped
