with source as (
    select * from {{ source('sample_shop', 'events') }}
),

shaped as (
    select
        event_id,
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        visitor_id,
        member_id,
        {{ utc_from_local('event_time', 'sample_shop') }} as event_at,
        event as touch_kind,
        campaign_id,
        channel,
        user_agent,
        product_id,
        session_id,
        page_class,
        device,
        region,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ business_date('event_at', 'sample_shop', 'brand_id') }} as event_date,
    {{ reject_reason([
        ('event_id is null', 'no event id', 'event_id'),
        ('event_at is null', 'time that does not parse', 'event_at'),
        (is_future(business_date('event_at', 'sample_shop', 'brand_id')), 'time in the future', 'event_at'),
        ('not ' ~ touch_kind_is_known('touch_kind'), 'unknown event kind', 'touch_kind'),
    ]) }} as reject_reason
from shaped
