with source as (
    select * from {{ source('taobao_user_behavior', 'events') }}
    where behavior_type is distinct from 'buy'
),

shaped as (
    select
        -- The dump has no ids: an action is who did what, with which item, at which second.
        user_id || '-' || item_id || '-' || behavior_type || '-' || unix_seconds as event_id,
        'taobao' as brand_id,
        user_id as member_id,
        {{ utc_from_unix('unix_seconds') }} as event_at,
        case behavior_type
            when 'pv' then 'product_view'
            when 'fav' then 'favorite'
            when 'cart' then 'add_to_cart'
        end as touch_kind,
        item_id as product_id,
        {{ row_origin('source') }}
    from source
),

dated as (
    select
        *,
        {{ business_date('event_at', 'taobao_user_behavior') }} as event_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('event_at is null', 'time that is no unix second', 'event_at'),
        (is_future('event_date'), 'time in the future', 'event_date'),
        ('touch_kind is null', 'unknown event kind', 'touch_kind'),
        ('event_id is null', 'no user or item', 'event_id'),
    ]) }} as reject_reason
from dated
