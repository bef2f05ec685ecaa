with orders as (
    select * from {{ source('olist', 'orders') }}
),

-- A customer id belongs to one order; the unique id is the person.
customers as (
    select
        customer_id,
        max(customer_unique_id) as customer_unique_id,
        max(customer_state) as customer_state
    from {{ source('olist', 'customers') }}
    group by customer_id
),

payments as (
    select order_id, sum({{ safe_cast('payment_value', 'decimal(18, 4)') }}) as amount
    from {{ source('olist', 'order_payments') }}
    group by order_id
),

freight as (
    select order_id, sum({{ safe_cast('freight_value', 'decimal(18, 4)') }}) as freight_amount
    from {{ source('olist', 'order_items') }}
    group by order_id
),

shaped as (
    select
        orders.order_id,
        customers.customer_unique_id as member_id,
        'order' as document_kind,
        {{ utc_from_local('orders.order_purchase_timestamp', 'olist') }} as created_at,
        -- There is no refund date: an order that ended as canceled or unavailable was never a purchase.
        case
            when orders.order_status in ('canceled', 'unavailable') then null
            when orders.order_approved_at is not null
                then {{ utc_from_local('orders.order_approved_at', 'olist') }}
            when orders.order_status = 'delivered'
                then {{ utc_from_local('orders.order_purchase_timestamp', 'olist') }}
        end as paid_at,
        case
            when orders.order_status in ('canceled', 'unavailable')
                then {{ utc_from_local('orders.order_purchase_timestamp', 'olist') }}
        end as cancelled_at,
        payments.amount,
        freight.freight_amount,
        customers.customer_state as region,
        'BRL' as currency,
        orders.order_approved_at as approved_text,
        orders.order_status,
        {{ row_origin('orders') }}
    from orders
    left join customers on orders.customer_id = customers.customer_id
    left join payments on orders.order_id = payments.order_id
    left join freight on orders.order_id = freight.order_id
),

dated as (
    select
        *,
        {{ business_date('created_at', 'olist') }} as created_date,
        {{ business_date('paid_at', 'olist') }} as paid_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no order id', 'order_id'),
        ('created_at is null', 'purchase time that does not parse', 'created_at'),
        (
            'approved_text is not null and paid_at is null and cancelled_at is null',
            'approval time that does not parse'
        ),
        (is_future('created_date'), 'time in the future', 'created_date'),
        ('member_id is null', 'customer that is not in the customers dump', 'member_id'),
    ]) }} as reject_reason
from dated
