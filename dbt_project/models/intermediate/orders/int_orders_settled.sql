{{ config(
    materialized='incremental',
    scope=[changed('int_orders'), changed('int_refunds'), moved_keys('int_orders')],
    scope_key=['source_id', 'order_id'],
) }}

with orders as (
    select * from {{ ref('int_orders') }} as orders
    where
        orders.is_current
        and {{ in_scope('orders') }}
),

refunds as (
    select * from {{ ref('int_refunds') }} as refunds
    where
        refunds.is_current
        and {{ in_scope('refunds') }}
),

refunded_so_far as (
    select
        refunds.source_id,
        refunds.order_id,
        refunds.refunded_at,
        refunds.refunded_on,
        refunds.amount as refund_amount,
        refunds.is_full,
        orders.amount as order_amount,
        sum(refunds.amount) over (
            partition by refunds.source_id, refunds.order_id
            order by refunds.refunded_at nulls last, refunds.refund_id
            rows between unbounded preceding and current row
        ) as refunded_amount
    from refunds
    inner join orders on {{ join_on('refunds', 'orders', ['source_id', 'order_id']) }}
    where not {{ is_other_currency('refunds', 'orders') }}
),

-- Refunds in another currency do not reduce the order's amount.
other_refunds as (
    select refunds.source_id, refunds.order_id, count(*) as other_currency_refunds
    from refunds
    inner join orders on {{ join_on('refunds', 'orders', ['source_id', 'order_id']) }}
    where {{ is_other_currency('refunds', 'orders') }}
    group by refunds.source_id, refunds.order_id
),

refund_totals as (
    select
        source_id,
        order_id,
        case when count(refund_amount) = count(*) then sum(refund_amount) end as refunded_amount,
        min(case when is_full or (order_amount > 0 and refunded_amount >= order_amount) then refunded_at end)
            as fully_refunded_at,
        min(case when is_full or (order_amount > 0 and refunded_amount >= order_amount) then refunded_on end)
            as fully_refunded_on
    from refunded_so_far
    group by source_id, order_id
)

select
    orders.source_id,
    orders.order_id,
    orders.source_key,
    {{ person_id_of('orders') }} as person_id,
    orders.document_kind,
    case
        when
            orders.cancelled_at is not null
            and (orders.paid_at is null or orders.cancelled_at <= orders.paid_at)
            then 'cancelled'
        when refund_totals.fully_refunded_at is not null then 'refunded'
        when orders.cancelled_at is not null then 'closed'
        when orders.paid_at is not null then 'paid'
        else 'created'
    end as status,
    orders.created_at,
    orders.created_date,
    orders.paid_at,
    orders.paid_date,
    orders.cancelled_at,
    refund_totals.fully_refunded_at,
    refund_totals.fully_refunded_on,
    orders.amount,
    cast(
        case when refund_totals.order_id is null then 0 else refund_totals.refunded_amount end
        as decimal(18, 4)
    )
        as refunded_amount,
    coalesce(other_refunds.other_currency_refunds, 0) as other_currency_refunds,
    orders.currency,
    orders.document_kind = 'order'
    and orders.paid_at is not null
    and (orders.cancelled_at is null or orders.cancelled_at > orders.paid_at)
    and (orders.amount is null or orders.amount > 0) as is_purchase
from orders
left join refund_totals on {{ join_on('orders', 'refund_totals', ['source_id', 'order_id']) }}
left join other_refunds on {{ join_on('orders', 'other_refunds', ['source_id', 'order_id']) }}
{{ owners_of('orders', 'coalesce(orders.created_at, orders.paid_at, ' ~ dawn_of_time() ~ ')') }}
