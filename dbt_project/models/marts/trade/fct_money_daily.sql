with orders as (
    select
        brand_id,
        coalesce(currency, 'unknown') as currency,
        paid_date as money_date,
        amount
    from {{ ref('int_placed_orders') }}
    where paid_date is not null
),

documents as (
    select
        brand_id,
        document_kind,
        coalesce(min(currency), 'unknown') as currency,
        min(refunded_on) as refunded_on,
        min(paid_date) as paid_date,
        sum(amount) as amount
    from {{ ref('int_refund_lines') }}
    group by source_id, refund_id, document_kind, brand_id
),

refunds as (
    select
        documents.brand_id,
        documents.currency,
        documents.refunded_on,
        -- Of what is paid after the horizon, nothing is known yet.
        case
            when documents.paid_date <= brands.horizon then documents.paid_date
            else documents.refunded_on
        end as known_on,
        documents.amount
    from documents
    inner join {{ ref('int_brands') }} as brands
        on documents.brand_id = brands.brand_id and documents.refunded_on <= brands.horizon
    where documents.document_kind <> 'adjustment'
),

-- A refund counts twice: on its own day, and on that of what it undoes.
money as (
    select brand_id, currency, money_date, 'order' as kind, amount from orders

    union all

    select brand_id, currency, refunded_on as money_date, 'refund' as kind, amount
    from refunds

    union all

    select brand_id, currency, known_on as money_date, 'refund_as_known' as kind, amount
    from refunds

    union all

    select brand_id, currency, refunded_on as money_date, 'adjustment' as kind, amount
    from documents
    where document_kind = 'adjustment'
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
