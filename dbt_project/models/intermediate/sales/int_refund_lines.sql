{{ config(
    materialized='incremental',
    scope=[
        changed('int_refunds'),
        changed('int_order_brands', ['source_id', 'order_id']),
        changed('int_order_brands', through='int_refunds', on=['source_id', 'order_id']),
        changed('int_placed_orders', through='int_refunds', on=['source_id', 'order_id']),
        changed('int_sales', through='int_refunds', on=['source_id', 'order_id']),
    ],
    scope_key=['source_id', 'refund_id'],
    only_differences=true,
) }}

{%- set text = dbt.type_string() %}
{%- set columns = [
    'source_id', 'order_id', 'brand_id', 'source_key', 'person_id', 'currency', 'paid_date', 'paid_hour',
    'region', 'device', 'channel', 'campaign_id',
] %}

with refunds as (
    select * from {{ ref('int_refunds') }} as refunds
    where
        refunds.is_current
        and {{ in_scope('refunds') }}
),

lines as (
    select * from {{ ref('int_sales') }}
    where line_id is not null
),

sales as (
    select
        {{ columns | join(', ') }},
        line_id,
        product_id,
        category_id,
        department,
        line_kind,
        share_start,
        share_end,
        is_amount_known
    from {{ ref('int_sales') }} as sales
    where {{ in_relation('sales', 'refunds', ['source_id', 'order_id']) }}

    union all

    -- Where neither the order nor its lines tell an amount, no line has money that could go back.
    select
        {{ columns | join(', ') }},
        cast(null as {{ text }}) as line_id,
        '(none)' as product_id,
        cast(null as {{ text }}) as category_id,
        cast(null as {{ text }}) as department,
        'goods' as line_kind,
        share_from as share_start,
        share_to as share_end,
        false as is_amount_known
    from {{ ref('int_placed_orders') }} as placed
    where
        paid_at is not null
        and amount is null
        and line_amount is null
        and share_to is not null
        and {{ in_relation('placed', 'refunds', ['source_id', 'order_id']) }}
        and {{ in_relation('placed', 'lines', ['source_id', 'order_id', 'brand_id']) }}
),

-- A refund that names a line goes to it; one that names an order, to its lines as the order's money does.
named as (
    select
        refunds.refund_id,
        refunds.refunded_at,
        refunds.reason_kind,
        refunds.amount as refund_amount,
        coalesce(refunds.currency, sales.currency) as refund_currency,
        sales.*,
        coalesce(refunds.line_id = sales.line_id, false) as is_of_line,
        max(case when refunds.line_id = sales.line_id then 1 else 0 end) over (
            partition by refunds.source_id, refunds.refund_id
        ) = 1 as names_a_line,
        count(sales.share_end) over (partition by refunds.source_id, refunds.refund_id, sales.brand_id) > 0
        and sales.share_end is null as has_no_money
    from refunds
    inner join sales on {{ join_on('refunds', 'sales', ['source_id', 'order_id']) }}
),

of_purchases as (
    select
        source_id,
        refund_id,
        'refund' as document_kind,
        order_id,
        brand_id,
        line_id,
        source_key,
        person_id,
        refund_currency as currency,
        refunded_at,
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
        case
            when names_a_line then refund_amount
            else {{ split_amount('refund_amount', 'share_start', 'share_end') }}
        end as amount,
        is_amount_known as order_amount_known
    from named
    where is_of_line = names_a_line and (names_a_line or not has_no_money)
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
        {{ not_in_relation('refunds', 'sales', ['source_id', 'order_id']) }}
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
        cast(null as {{ text }}) as reason_kind,
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
        cast(null as {{ text }}) as line_id,
        settled.source_key,
        settled.person_id,
        parts.currency,
        parts.refunded_at,
        cast(null as date) as paid_date,
        cast(null as {{ text }}) as paid_hour,
        '(documents)' as product_id,
        cast(null as {{ text }}) as category_id,
        cast(null as {{ text }}) as department,
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
