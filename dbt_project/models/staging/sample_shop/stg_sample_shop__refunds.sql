with source as (
    select * from {{ source('sample_shop', 'refunds') }}
),

shaped as (
    select
        refund_id,
        order_id,
        {{ utc_from_local('refunded_at', 'sample_shop') }} as refunded_at,
        amount,
        currency,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ business_date('refunded_at', 'sample_shop') }} as refunded_on,
    {{ reject_reason([
        ('refund_id is null', 'no refund id', 'refund_id'),
        ('refunded_at is null', 'time that does not parse', 'refunded_at'),
        (is_future(business_date('refunded_at', 'sample_shop')), 'time in the future', 'refunded_at'),
    ]) }} as reject_reason
from shaped
