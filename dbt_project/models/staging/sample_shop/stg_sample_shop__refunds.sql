with source as (
    select * from {{ source('sample_shop', 'refunds') }}
),

shaped as (
    select
        refund_id,
        order_id,
        line_no as line_id,
        {{ utc_from_local('refunded_at', 'sample_shop') }} as refunded_at,
        amount,
        currency,
        case reason
            when '七天无理由' then 'unwanted'
            when '不想要了' then 'unwanted'
            when '质量问题' then 'quality'
            when '少件/漏发' then 'missing'
            when '补偿' then 'goodwill'
            else reason
        end as reason_kind,
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
