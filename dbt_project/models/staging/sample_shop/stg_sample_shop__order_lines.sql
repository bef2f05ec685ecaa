with source as (
    select * from {{ source('sample_shop', 'order_lines') }}
),

shaped as (
    select
        order_id,
        line_no as line_id,
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        product_id,
        product_name,
        {{ safe_cast('quantity', 'decimal(18, 4)') }} as quantity,
        {{ safe_cast('unit_price', 'decimal(18, 4)') }} as unit_price,
        amount,
        list_amount,
        cost_amount,
        kind as line_kind,
        false as is_duplicate,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no order id', 'order_id'),
        ('line_id is null', 'no line number', 'line_id'),
        ('quantity is null', 'quantity that is not a number', 'quantity'),
    ]) }} as reject_reason
from shaped
