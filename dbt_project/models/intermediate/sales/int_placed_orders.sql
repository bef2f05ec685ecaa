{{ config(
    materialized='incremental',
    scope=[
        changed('int_orders_settled'),
        changed('int_order_brands'),
        by_macro('orders_of_changed_visits', ['int_visits']),
    ],
    scope_key=['source_id', 'order_id'],
    only_differences=true,
) }}

with settled as (
    select * from {{ ref('int_orders_settled') }} as orders
    where
        orders.document_kind = 'order'
        and {{ in_scope('orders') }}
),

-- A brand that is only a gift in an order was not ordered, unless all of it is free. Of the bucket's two rows,
-- lines without a brand and money of no line, the money counts.
shared as (
    select
        brands.source_id,
        brands.order_id,
        brands.brand_id,
        bool_or(brands.is_brand_known) as is_brand_known,
        case when bool_and(brands.is_brand_known) then max(brands.line_amount) end as line_amount,
        max(brands.share_from) as share_from,
        max(brands.share_to) as share_to
    from {{ ref('int_order_brands') }} as brands
    inner join settled on {{ join_on('brands', 'settled', ['source_id', 'order_id']) }}
    where
        (brands.is_brand_known and (brands.line_amount is null or brands.line_amount > 0))
        or brands.is_brand_known = coalesce(settled.amount = 0, false)
    group by brands.source_id, brands.order_id, brands.brand_id
),

placed as (
    select
        shared.*,
        settled.source_key,
        settled.person_id,
        settled.currency,
        settled.created_at,
        {{ brand_business_date('settled.created_at', 'settled.source_id', 'shared.brand_id') }} as created_date,
        {{ brand_business_hour('settled.created_at', 'settled.source_id', 'shared.brand_id') }} as created_hour,
        case when settled.is_purchase then settled.paid_at end as paid_at,
        coalesce(settled.amount = 0, false) as is_free,
        case
            when settled.amount = 0 then settled.amount
            else {{ split_amount('settled.amount', 'shared.share_from', 'shared.share_to') }}
        end as amount
    from settled
    inner join shared on {{ join_on('settled', 'shared', ['source_id', 'order_id']) }}
),

-- The person's last visit of the brand on that day, until the order was placed.
visited as (
    select
        placed.source_id,
        placed.order_id,
        placed.brand_id,
        visits.channel,
        row_number() over (
            partition by placed.source_id, placed.order_id, placed.brand_id
            order by visits.started_at desc nulls last, visits.visit_id desc
        ) as rank_from_last
    from placed
    inner join {{ ref('int_visits') }} as visits
        on
            {{ join_on('placed', 'visits', ['brand_id', 'person_id']) }}
            and placed.created_date = visits.event_date
            and placed.created_at >= visits.started_at
)

select
    placed.source_id,
    placed.order_id,
    placed.brand_id,
    placed.is_brand_known,
    placed.source_key,
    placed.person_id,
    placed.currency,
    placed.created_at,
    placed.created_date,
    placed.created_hour,
    placed.paid_at,
    {{ brand_business_date('placed.paid_at', 'placed.source_id', 'placed.brand_id') }} as paid_date,
    {{ brand_business_hour('placed.paid_at', 'placed.source_id', 'placed.brand_id') }} as paid_hour,
    orders.region,
    orders.device,
    coalesce(orders.channel, visited.channel, '(none)') as channel,
    orders.campaign_id,
    placed.amount,
    placed.is_free,
    placed.line_amount,
    placed.share_from,
    placed.share_to
from placed
inner join {{ ref('int_orders') }} as orders
    on
        {{ join_on('placed', 'orders', ['source_id', 'order_id']) }}
        and orders.is_current
left join visited
    on
        {{ join_on('placed', 'visited', ['source_id', 'order_id', 'brand_id']) }}
        and visited.rank_from_last = 1
