with source as (
    select * from {{ source('rees46', 'events') }}
    where event_type = 'purchase'
),

shaped as (
    select
        user_id || '-' || coalesce(user_session, '') as order_id,
        _file || ':' || _row as line_id,
        {{ brand_or_unbranded('brand', 'rees46') }} as brand_id,
        product_id,
        1 as quantity,
        {{ safe_cast('price', 'decimal(18, 4)') }} as unit_price,
        {{ safe_cast('price', 'decimal(18, 4)') }} as amount,
        row_number() over (
            partition by
                _load_date, _file, user_id, user_session, event_time, product_id, category_id, category_code,
                brand, price
            order by _row
        ) > 1 as is_duplicate,
        {{ business_date(utc_from_local("replace(event_time, ' UTC', '')", 'rees46'), 'rees46') }}
            as paid_date,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('paid_date is null', 'time that does not parse'),
        (is_future('paid_date'), 'time in the future'),
        ('order_id is null or product_id is null', 'no user or product'),
        ('amount is null', 'price that is not a number', 'amount'),
    ]) }} as reject_reason
from shaped
