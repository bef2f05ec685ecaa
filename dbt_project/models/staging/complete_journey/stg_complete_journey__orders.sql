{%- set money = 'decimal(18, 4)' -%}

with source as (
    select * from {{ source('complete_journey', 'transactions') }}
),

shaped as (
    select
        basket_id as order_id,
        min(household_id) as member_id,
        'order' as document_kind,
        min({{ utc_from_local('transaction_timestamp', 'complete_journey') }}) as paid_at,
        sum({{ safe_cast('sales_value', money) }}) as amount,
        sum(
            {{ safe_cast('retail_disc', money) }} + {{ safe_cast('coupon_disc', money) }}
            + {{ safe_cast('coupon_match_disc', money) }}
        ) as discount_amount,
        sum({{ safe_cast('coupon_disc', money) }}) as coupon_amount,
        'USD' as currency,
        min({{ whole_row('source') }}) as raw_row,
        _load_date,
        _file,
        min(_row) as _row
    from source
    group by basket_id, _load_date, _file
),

dated as (
    select
        *,
        paid_at as created_at,
        {{ business_date('paid_at', 'complete_journey') }} as created_date,
        {{ business_date('paid_at', 'complete_journey') }} as paid_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no basket', 'order_id'),
        ('paid_at is null', 'time that does not parse', 'paid_at'),
        (is_future('paid_date'), 'time in the future', 'paid_date'),
    ]) }} as reject_reason
from dated
