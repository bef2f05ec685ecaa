select
    brand_id,
    brand_name,
    timezone,
    currency,
    first_day,
    horizon,
    is_unbranded,
    unattributed_events,
    unattributed_orders,
    unattributed_reviews,
    unattributed_memberships,
    bot_events,
    ancient_events,
    source_ids,
    is_stale
from {{ ref('int_brands') }}
