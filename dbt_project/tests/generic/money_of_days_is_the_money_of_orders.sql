{% test money_of_days_is_the_money_of_orders(model, orders, order_brands, refunds, refund_brands, brands) %}
with days as (
    select currency, sum(gross_paid_amount) as gross, sum(refunded_amount) as refunded
    from {{ model }}
    group by currency
),

orders as (
    select
        coalesce(currency, 'unknown') as currency,
        sum(case when is_purchase then amount else 0 end) as gross,
        sum(case when document_kind = 'refund' then abs(amount) else 0 end) as refunded
    from {{ orders }}
    group by coalesce(currency, 'unknown')
),

refunds as (
    select coalesce(refunds.currency, orders.currency, 'unknown') as currency, sum(refunds.amount) as refunded
    from {{ refunds }} as refunds
    left join {{ orders }} as orders
        on refunds.source_id = orders.source_id and refunds.order_id = orders.order_id
    where refunds.is_current
    group by coalesce(refunds.currency, orders.currency, 'unknown')
),

-- Of brands with data beyond the horizon.
later_documents as (
    select
        coalesce(orders.currency, 'unknown') as currency,
        orders.document_kind,
        {{ split_amount('orders.amount', 'shares.share_from', 'shares.share_to') }} as amount
    from {{ orders }} as orders
    inner join {{ order_brands }} as shares
        on orders.source_id = shares.source_id and orders.order_id = shares.order_id
    inner join {{ brands }} as brands on shares.brand_id = brands.brand_id
    where
        (orders.is_purchase or orders.document_kind = 'refund')
        and coalesce({{ brand_business_date(
            'coalesce(orders.paid_at, orders.created_at)', 'orders.source_id', 'shares.brand_id'
        ) }} > brands.horizon, true)
),

later as (
    select
        currency,
        sum(case when document_kind = 'order' then amount else 0 end) as gross,
        sum(case when document_kind = 'refund' then abs(amount) else 0 end) as refunded
    from later_documents
    group by currency

    union all

    select coalesce(refunds.currency, 'unknown') as currency, 0 as gross, sum(refunds.amount) as refunded
    from {{ refund_brands }} as refunds
    inner join {{ brands }} as brands on refunds.brand_id = brands.brand_id
    where coalesce(refunds.refunded_on > brands.horizon, true)
    group by coalesce(refunds.currency, 'unknown')
),

both_sides as (
    select currency, gross, refunded from days
    union all
    select currency, gross, refunded from later
    union all
    select currency, -gross, -refunded from orders
    union all
    select currency, 0 as gross, -refunded from refunds
)

select
    currency,
    sum(gross) as missing_gross,
    sum(refunded) as missing_refunded
from both_sides
group by currency
having coalesce(sum(gross), 0) <> 0 or coalesce(sum(refunded), 0) <> 0
{% endtest %}
