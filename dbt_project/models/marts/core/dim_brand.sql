select
    brand_id,
    brand_name,
    timezone,
    currency,
    first_day,
    horizon,
    right(brand_id, 9) = 'unbranded' as is_unbranded,
    is_stale
from {{ ref('int_brands') }}
