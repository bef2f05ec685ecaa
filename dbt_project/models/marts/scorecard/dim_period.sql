select
    brand_id,
    period_id,
    period_type,
    period_start,
    period_end,
    cast(days as integer) as days,
    campaign_id,
    is_contaminated
from {{ ref('int_report_periods') }}
