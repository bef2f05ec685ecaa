with source as (
    select * from {{ source('complete_journey', 'campaign_descriptions') }}
)

select
    campaign_id,
    'complete_journey' as brand_id,
    campaign_type as campaign_name,
    'coupon' as campaign_kind,
    {{ safe_cast('start_date', 'date') }} as starts_on,
    {{ safe_cast('end_date', 'date') }} as ends_on,
    {{ row_origin('source') }},
    cast(null as {{ dbt.type_string() }}) as reject_reason
from source
