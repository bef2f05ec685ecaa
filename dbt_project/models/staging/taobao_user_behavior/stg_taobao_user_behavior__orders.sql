with source as (
    select * from {{ source('taobao_user_behavior', 'events') }}
    where behavior_type = 'buy'
),

shaped as (
    select
        user_id || '-' || item_id || '-' || unix_seconds as order_id,
        user_id as member_id,
        'order' as document_kind,
        {{ utc_from_unix('unix_seconds') }} as created_at,
        {{ utc_from_unix('unix_seconds') }} as paid_at,
        cast(null as decimal(18, 4)) as amount,
        'CNY' as currency,
        {{ row_origin('source') }}
    from source
),

dated as (
    select
        *,
        {{ business_date('created_at', 'taobao_user_behavior') }} as created_date,
        {{ business_date('paid_at', 'taobao_user_behavior') }} as paid_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('paid_at is null', 'time that is no unix second', 'paid_at'),
        (is_future('paid_date'), 'time in the future', 'paid_date'),
        ('order_id is null', 'no user or item', 'order_id'),
    ]) }} as reject_reason
from dated
