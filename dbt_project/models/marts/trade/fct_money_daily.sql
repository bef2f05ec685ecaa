with documents as (
    select
        brands.brand_id,
        orders.document_kind,
        orders.is_purchase,
        coalesce(orders.currency, 'unknown') as currency,
        {{ brand_business_date(
            'coalesce(orders.paid_at, orders.created_at)', 'orders.source_id', 'brands.brand_id'
        ) }}
            as money_date,
        {{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }} as amount,
        -- Once per order, even if its money is in the bucket beside its brands.
        brands.share_to is not null as is_counted
    from {{ ref('int_orders_settled') }} as orders
    inner join {{ ref('int_order_brands') }} as brands
        on {{ join_on('orders', 'brands', ['source_id', 'order_id']) }}
    where orders.is_purchase or orders.document_kind <> 'order'
),

refunds as (
    select
        refunds.brand_id,
        coalesce(refunds.currency, 'unknown') as currency,
        refunds.refunded_on,
        case when refunds.paid_date <= refunds.refunded_on then refunds.paid_date else refunds.refunded_on end
            as known_on,
        refunds.amount
    from {{ ref('int_refund_brands') }} as refunds
    inner join {{ ref('int_brands') }} as brands
        on refunds.brand_id = brands.brand_id and refunds.refunded_on <= brands.horizon
),

money as (
    select
        brand_id, currency, money_date,
        1 as paid_orders,
        case when amount is null then 1 else 0 end as unknown_amount_orders,
        amount as gross,
        0 as refunded, 0 as refunded_as_known, 0 as adjustment
    from documents
    where document_kind = 'order' and is_counted

    union all

    select brand_id, currency, money_date, 0, 0, 0, -amount, -amount, 0
    from documents
    where document_kind = 'refund'

    union all

    select brand_id, currency, money_date, 0, 0, 0, 0, 0, amount
    from documents
    where document_kind = 'adjustment'

    union all

    select brand_id, currency, refunded_on as money_date, 0, 0, 0, amount, 0, 0
    from refunds

    union all

    select brand_id, currency, known_on as money_date, 0, 0, 0, 0, amount, 0
    from refunds
),

daily as (
    select
        money.brand_id,
        money.currency,
        money.money_date,
        cast(sum(money.paid_orders) as bigint) as paid_orders,
        cast(sum(money.unknown_amount_orders) as bigint) as unknown_amount_orders,
        -- Unknown, not 0, if no purchase of the day has a price.
        case
            when sum(money.paid_orders) = 0 or sum(money.paid_orders) > sum(money.unknown_amount_orders)
                then cast(coalesce(sum(money.gross), 0) as decimal(18, 4))
        end as gross_paid_amount,
        cast(coalesce(sum(money.refunded), 0) as decimal(18, 4)) as refunded_amount,
        cast(coalesce(sum(money.refunded_as_known), 0) as decimal(18, 4)) as refunded_as_known,
        cast(coalesce(sum(money.adjustment), 0) as decimal(18, 4)) as adjustment_amount
    from money
    inner join {{ ref('int_brands') }} as brands
        on money.brand_id = brands.brand_id and money.money_date <= brands.horizon
    group by money.brand_id, money.currency, money.money_date
)

select
    brand_id,
    currency,
    money_date,
    paid_orders,
    unknown_amount_orders,
    gross_paid_amount,
    refunded_amount,
    refunded_as_known,
    adjustment_amount,
    cast(gross_paid_amount - refunded_amount + adjustment_amount as decimal(18, 4)) as net_by_refund_day,
    cast(gross_paid_amount - refunded_as_known + adjustment_amount as decimal(18, 4)) as net_as_known
from daily
