{{ config(
    materialized='incremental',
    scope=[
        changed('int_refunds'),
        changed('int_order_brands', ['source_id', 'order_id']),
        changed('int_order_brands', ['source_id', 'refund_id'], through='int_refunds', on=['source_id', 'order_id']),
        changed('int_sales', ['source_id', 'refund_id'], through='int_refunds', on=['source_id', 'order_id']),
    ],
    scope_key=['source_id', 'refund_id'],
    only_differences=true,
) }}

with refunds as (
    select * from {{ ref('int_refunds') }} as refunds
    where
        refunds.is_current
        and {{ in_scope('refunds') }}
),

sales as (
    select * from {{ ref('int_sales') }} as sales
    where {{ in_relation('sales', 'refunds', ['source_id', 'order_id']) }}
),

-- A refund that names a line goes to it.
of_line as (
    select
        refunds.source_id,
        refunds.refund_id,
        sales.brand_id,
        sales.line_id,
        refunds.amount
    from refunds
    inner join sales on {{ join_on('refunds', 'sales', ['source_id', 'order_id', 'line_id']) }}
),

-- One that names an order is shared by its lines as the order's money is.
of_order as (
    select
        refunds.source_id,
        refunds.refund_id,
        sales.brand_id,
        sales.line_id,
        {{ split_amount('refunds.amount', 'sales.share_start', 'sales.share_end') }} as amount
    from refunds
    inner join sales on {{ join_on('refunds', 'sales', ['source_id', 'order_id']) }}
    where not {{ in_relation('refunds', 'of_line', ['source_id', 'refund_id']) }}
),

of_purchases as (
    select
        parts.source_id,
        parts.refund_id,
        'refund' as document_kind,
        refunds.order_id,
        parts.brand_id,
        parts.line_id,
        sales.source_key,
        sales.person_id,
        coalesce(refunds.currency, sales.currency) as currency,
        refunds.refunded_at,
        sales.paid_date,
        sales.paid_hour,
        sales.product_id,
        sales.category_id,
        sales.department,
        sales.line_kind,
        sales.region,
        sales.device,
        sales.channel,
        sales.campaign_id,
        refunds.reason_kind,
        parts.amount,
        sales.is_amount_known as order_amount_known
    from (select * from of_line union all select * from of_order) as parts
    inner join refunds on {{ join_on('parts', 'refunds', ['source_id', 'refund_id']) }}
    inner join sales
        on
            {{ join_on('parts', 'sales', ['source_id', 'brand_id']) }}
            and refunds.order_id = sales.order_id
            and parts.line_id is not distinct from sales.line_id
),

sole_brands as (
    select source_id, min(brand_id) as brand_id
    from {{ source('arrival', 'brands') }}
    group by source_id
    having count(*) = 1
),

-- Refunds of no purchase, by the brands of their order; without one, the only brand of the source has them,
-- or its bucket.
of_no_purchase as (
    select
        refunds.source_id,
        refunds.refund_id,
        'refund' as document_kind,
        orders.order_id,
        coalesce(brands.brand_id, sole_brands.brand_id, {{ unbranded('refunds.source_id') }}) as brand_id,
        coalesce(refunds.currency, orders.currency) as currency,
        refunds.refunded_at,
        refunds.reason_kind,
        case
            when orders.order_id is null then refunds.amount
            else {{ split_amount('refunds.amount', 'brands.share_from', 'brands.share_to') }}
        end as amount
    from refunds
    left join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('refunds', 'orders', ['source_id', 'order_id']) }}
    left join {{ ref('int_order_brands') }} as brands
        on {{ join_on('orders', 'brands', ['source_id', 'order_id']) }}
    left join sole_brands on refunds.source_id = sole_brands.source_id
    where
        not {{ in_relation('refunds', 'sales', ['source_id', 'order_id']) }}
        and coalesce(brands.share_from < brands.share_to, true)
),

-- Documents of their own, which name no order.
documents as (
    select
        documents.source_id,
        documents.refund_id,
        case documents.document_kind when 'refund' then 'refund_document' else documents.document_kind end as document_kind,
        documents.order_id,
        brands.brand_id,
        documents.currency,
        coalesce(documents.paid_at, documents.created_at) as refunded_at,
        cast(null as {{ dbt.type_string() }}) as reason_kind,
        case
            when documents.document_kind = 'refund'
                then abs({{ split_amount('documents.amount', 'brands.share_from', 'brands.share_to') }})
            else {{ split_amount('documents.amount', 'brands.share_from', 'brands.share_to') }}
        end as amount
    from (
        select
            *,
            order_id as refund_id
        from {{ ref('int_orders_settled') }}
        where document_kind <> 'order'
    ) as documents
    inner join {{ ref('int_order_brands') }} as brands
        on {{ join_on('documents', 'brands', ['source_id', 'order_id']) }}
    where
        coalesce(brands.share_from < brands.share_to, true)
        and {{ in_scope('documents') }}
),

others as (
    select
        parts.source_id,
        parts.refund_id,
        parts.document_kind,
        parts.order_id,
        parts.brand_id,
        cast(null as {{ dbt.type_string() }}) as line_id,
        settled.source_key,
        settled.person_id,
        parts.currency,
        parts.refunded_at,
        cast(null as date) as paid_date,
        cast(null as {{ dbt.type_string() }}) as paid_hour,
        '(documents)' as product_id,
        cast(null as {{ dbt.type_string() }}) as category_id,
        cast(null as {{ dbt.type_string() }}) as department,
        'goods' as line_kind,
        orders.region,
        orders.device,
        coalesce(orders.channel, '(none)') as channel,
        orders.campaign_id,
        parts.reason_kind,
        parts.amount,
        false as order_amount_known
    from (select * from of_no_purchase union all select * from documents) as parts
    left join {{ ref('int_orders_settled') }} as settled
        on {{ join_on('parts', 'settled', ['source_id', 'order_id']) }}
    left join {{ ref('int_orders') }} as orders
        on
            {{ join_on('parts', 'orders', ['source_id', 'order_id']) }}
            and orders.is_current
),

listed as (
    select * from of_purchases
    union all
    select * from others
)

select
    source_id,
    refund_id,
    document_kind,
    order_id,
    brand_id,
    line_id,
    source_key,
    person_id,
    currency,
    {{ brand_business_date('refunded_at') }} as refunded_on,
    {{ brand_business_hour('refunded_at') }} as refunded_hour,
    paid_date,
    paid_hour,
    product_id,
    category_id,
    department,
    line_kind,
    region,
    device,
    channel,
    campaign_id,
    reason_kind,
    cast(amount as decimal(18, 4)) as amount,
    order_amount_known
from listed
