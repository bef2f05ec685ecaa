with source as (
    select * from {{ source('sample_shop', 'orders') }}
),

shaped as (
    select
        order_id,
        visitor_id,
        member_id,
        'order' as document_kind,
        {{ utc_from_local('created_at', 'sample_shop') }} as created_at,
        -- A presale order is paid when its balance is: the deposit alone leaves paid_at empty.
        {{ utc_from_local('paid_at', 'sample_shop') }} as paid_at,
        {{ utc_from_local('cancelled_at', 'sample_shop') }} as cancelled_at,
        session_id,
        device,
        channel,
        campaign_id,
        region,
        freight as freight_amount,
        discount as discount_amount,
        coupon as coupon_amount,
        amount,
        currency,
        {{ utc_from_local('updated_at', 'sample_shop') }} as updated_at,
        paid_at as paid_text,
        cancelled_at as cancelled_text,
        {{ row_origin('source') }}
    from source
)

select
    order_id,
    visitor_id,
    member_id,
    document_kind,
    created_at,
    {{ business_date('created_at', 'sample_shop') }} as created_date,
    paid_at,
    {{ business_date('paid_at', 'sample_shop') }} as paid_date,
    cancelled_at,
    session_id,
    device,
    channel,
    campaign_id,
    region,
    freight_amount,
    discount_amount,
    coupon_amount,
    amount,
    currency,
    updated_at,
    raw_row,
    _load_date,
    _file,
    _row,
    {{ reject_reason([
        ('order_id is null', 'no order id', 'order_id'),
        ('created_at is null or updated_at is null', 'time that does not parse'),
        ('paid_at is null and paid_text is not null', 'time that does not parse', 'paid_at'),
        ('cancelled_at is null and cancelled_text is not null', 'time that does not parse', 'cancelled_at'),
        (is_future(business_date('updated_at', 'sample_shop')), 'time in the future', 'updated_at'),
        (is_future(business_date('paid_at', 'sample_shop')), 'time in the future', 'paid_at'),
    ]) }} as reject_reason
from shaped
