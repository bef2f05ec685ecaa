with source as (
    select * from {{ source('sample_shop', 'order_lines') }}
),

shaped as (
    select
        order_id,
        line_no as line_id,
        coalesce(brand, 'sample_shop_unbranded') as brand_id,
        product_id,
        product_name,
        {{ safe_cast('quantity', 'decimal(18, 4)') }} as quantity,
        {{ safe_cast('unit_price', 'decimal(18, 4)') }} as unit_price,
        {{ safe_cast('amount', 'decimal(18, 4)') }} as amount,
        false as is_duplicate,
        {{ whole_row('source') }} as raw_row,
        _load_date,
        _file,
        _row
    from source
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no order id'),
        ('line_id is null', 'no line number'),
        ('quantity is null', 'quantity that is not a number'),
        ('amount is null', 'amount that is not a number'),
    ]) }} as reject_reason
from shaped
