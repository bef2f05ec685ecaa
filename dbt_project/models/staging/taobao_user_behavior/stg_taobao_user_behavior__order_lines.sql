with source as (
    select * from {{ source('taobao_user_behavior', 'events') }}
    where behavior_type = 'buy'
),

shaped as (
    select
        user_id || '-' || item_id || '-' || unix_seconds as order_id,
        '1' as line_id,
        'taobao' as brand_id,
        item_id as product_id,
        1 as quantity,
        cast(null as decimal(18, 4)) as amount,
        false as is_duplicate,
        {{ business_date(utc_from_unix('unix_seconds'), 'taobao_user_behavior') }} as paid_date,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('paid_date is null', 'time that is no unix second'),
        (is_future('paid_date'), 'time in the future'),
        ('order_id is null', 'no user or item', 'order_id'),
    ]) }} as reject_reason
from shaped
