with source as (
    select * from {{ source('manual', 'gmv_targets') }}
),

shaped as (
    select
        trim(brand_id) as brand_id,
        {{ day_from_text('period_start', 'iso') }} as period_start,
        {{ day_from_text('period_end', 'iso') }} as period_end,
        {{ safe_cast('gmv', 'decimal(18, 4)') }} as gmv,
        currency,
        cast(_load_date as timestamp) as updated_at,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ("coalesce(brand_id, '') = ''", 'no brand', 'brand_id'),
        ('period_start is null or period_end is null', 'period that is not dates such as 2024-09-30'),
        ('gmv is null', 'target that is not a number such as 120000.50', 'gmv'),
        ('gmv < 0', 'negative target', 'gmv'),
    ]) }} as reject_reason
from shaped
