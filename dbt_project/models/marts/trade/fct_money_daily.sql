with documents as (
    select
        brands.brand_id,
        orders.document_kind,
        coalesce(orders.currency, 'unknown') as currency,
        {{ brand_business_date(
            'coalesce(orders.paid_at, orders.created_at)', 'orders.source_id', 'brands.brand_id'
        ) }}
            as money_date,
        {{ split_amount('orders.amount', 'brands.share_from', 'brands.share_to') }} as amount
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
        -- Of what is paid after the horizon, nothing is known yet.
        case when refunds.paid_date <= brands.horizon then refunds.paid_date else refunds.refunded_on end
            as known_on,
        refunds.amount
    from {{ ref('int_refund_brands') }} as refunds
    inner join {{ ref('int_brands') }} as brands
        on refunds.brand_id = brands.brand_id and refunds.refunded_on <= brands.horizon
),

-- A refund counts twice: on its own day, and on that of what it undoes.
money as (
    select brand_id, currency, money_date, document_kind as kind, amount
    from documents
    where document_kind in ('order', 'adjustment')

    union all

    select documents.brand_id, documents.currency, documents.money_date, days.kind, abs(documents.amount)
    from documents
    cross join (select 'refund' as kind union all select 'refund_as_known' as kind) as days
    where documents.document_kind = 'refund'

    union all

    select brand_id, currency, refunded_on as money_date, 'refund' as kind, amount
    from refunds

    union all

    select brand_id, currency, known_on as money_date, 'refund_as_known' as kind, amount
    from refunds
),

-- The sum of a kind is 0 without any of it, and unknown if none of it has an amount.
daily as (
    select
        money.brand_id,
        money.currency,
        money.money_date,
        {%- for kind in ['order', 'refund', 'refund_as_known', 'adjustment'] %}
            sum(case when money.kind = '{{ kind }}' then 1 else 0 end) as {{ kind }}s,
            count(case when money.kind = '{{ kind }}' then money.amount end) as known_{{ kind }}s,
            case
                when max(case when money.kind = '{{ kind }}' then 1 else 0 end) = 0 then 0
                else sum(case when money.kind = '{{ kind }}' then money.amount end)
            end as {{ kind }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from money
    inner join {{ ref('int_brands') }} as brands
        on money.brand_id = brands.brand_id and money.money_date <= brands.horizon
    group by money.brand_id, money.currency, money.money_date
),

named as (
    select
        brand_id,
        currency,
        money_date,
        cast(orders as bigint) as paid_orders,
        cast(orders - known_orders as bigint) as unknown_amount_orders,
        cast(order_amount as decimal(18, 4)) as gross_paid_amount,
        cast(refund_amount as decimal(18, 4)) as refunded_amount,
        cast(refunds - known_refunds as bigint) as unknown_amount_refunds,
        cast(refund_as_known_amount as decimal(18, 4)) as refunded_as_known,
        cast(refund_as_knowns - known_refund_as_knowns as bigint) as unknown_amount_refunds_as_known,
        -- They are rare, and no count tells of the unknown ones.
        cast(case when adjustments = known_adjustments then adjustment_amount end as decimal(18, 4))
            as adjustment_amount
    from daily
)

select
    brand_id,
    currency,
    money_date,
    paid_orders,
    unknown_amount_orders,
    gross_paid_amount,
    refunded_amount,
    unknown_amount_refunds,
    refunded_as_known,
    unknown_amount_refunds_as_known,
    adjustment_amount,
    cast(gross_paid_amount - refunded_amount + adjustment_amount as decimal(18, 4)) as net_by_refund_day,
    cast(gross_paid_amount - refunded_as_known + adjustment_amount as decimal(18, 4)) as net_as_known
from named
