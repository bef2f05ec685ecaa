with items as (
    select * from {{ source('olist', 'order_items') }}
),

shaped as (
    select
        order_id,
        order_item_id as line_id,
        'olist' as brand_id,
        product_id,
        1 as quantity,
        {{ safe_cast('price', 'decimal(18, 4)') }} as unit_price,
        -- Freight is part of what was paid for a line.
        {{ safe_cast('price', 'decimal(18, 4)') }} + {{ safe_cast('freight_value', 'decimal(18, 4)') }}
            as amount,
        false as is_duplicate,
        {{ row_origin('items') }}
    from items
)

select
    *,
    {{ reject_reason([
        ('order_id is null or line_id is null', 'no order or item number'),
        ('amount is null', 'price or freight that is not a number', 'amount'),
    ]) }} as reject_reason
from shaped
