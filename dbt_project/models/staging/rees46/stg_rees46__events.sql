with source as (
    select * from {{ source('rees46', 'events') }}
    where event_type is distinct from 'purchase'
),

shaped as (
    select
        user_id || '-' || coalesce(user_session, '') || '-' || event_type || '-' || product_id || '-'
            || event_time
            as event_id,
        {{ brand_or_unbranded('brand', 'rees46') }} as brand_id,
        user_id as member_id,
        {{ utc_from_local("replace(event_time, ' UTC', '')", 'rees46') }} as event_at,
        case event_type
            when 'view' then 'product_view'
            when 'cart' then 'add_to_cart'
            when 'remove_from_cart' then 'remove_from_cart'
        end as touch_kind,
        product_id,
        user_session as session_id,
        {{ row_origin('source') }}
    from source
),

dated as (
    select
        *,
        {{ business_date('event_at', 'rees46') }} as event_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('event_at is null', 'time that does not parse', 'event_at'),
        (is_future('event_date'), 'time in the future', 'event_date'),
        ('touch_kind is null', 'unknown event kind', 'touch_kind'),
        ('event_id is null', 'no user or product', 'event_id'),
    ]) }} as reject_reason
from dated
