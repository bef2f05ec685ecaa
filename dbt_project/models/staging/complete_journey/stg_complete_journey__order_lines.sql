{%- set money = 'decimal(18, 4)' -%}

with source as (
    select * from {{ source('complete_journey', 'transactions') }}
),

shaped as (
    select
        basket_id as order_id,
        cast(_row as {{ dbt.type_string() }}) as line_id,
        'complete_journey' as brand_id,
        product_id,
        quantity,
        {{ safe_cast('sales_value', money) }} as amount,
        {{ safe_cast('sales_value', money) }} + {{ safe_cast('retail_disc', money) }}
        + {{ safe_cast('coupon_disc', money) }} + {{ safe_cast('coupon_match_disc', money) }} as list_amount,
        false as is_duplicate,
        {{ business_date(utc_from_local('transaction_timestamp', 'complete_journey'), 'complete_journey') }}
            as paid_date,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no basket', 'order_id'),
        ('paid_date is null', 'time that does not parse'),
        (is_future('paid_date'), 'time in the future'),
        ('amount is null', 'amount that is not a number', 'amount'),
    ]) }} as reject_reason
from shaped
