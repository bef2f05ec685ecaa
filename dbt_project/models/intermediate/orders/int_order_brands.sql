{{ config(
    materialized='incremental',
    scope=[changed('int_orders_settled'), changed('int_order_lines')],
    scope_key=['source_id', 'order_id'],
) }}

with documents as (
    select
        *,
        document_kind = 'order' and (amount is null or amount > 0) as is_paid_for
    from {{ ref('int_orders_settled') }} as orders
    where {{ in_scope('orders') }}
),

lines as (
    select * from {{ ref('int_order_lines') }} as lines
    where
        lines.is_current
        and {{ in_scope('lines') }}
),

-- An order without lines belongs to the only brand of its source, if there is exactly one.
sole_brands as (
    select source_id, min(brand_id) as brand_id
    from {{ source('arrival', 'brands') }}
    group by source_id
    having count(*) = 1
),

brand_totals as (
    select
        source_id,
        order_id,
        brand_id,
        case when count(amount) = count(*) then cast(sum(amount) as decimal(18, 4)) end as line_amount
    from lines
    group by source_id, order_id, brand_id

    union all

    select documents.source_id, documents.order_id, sole_brands.brand_id, documents.amount as line_amount
    from documents
    inner join sole_brands on documents.source_id = sole_brands.source_id
    where {{ not_in_relation('documents', 'lines', ['source_id', 'order_id']) }}
),

-- A brand whose lines have the other sign, such as a discount without a brand, has no part in the money. Nor
-- has one that is only a gift in what was paid for.
weighed as (
    select
        brand_totals.*,
        documents.is_paid_for and brand_totals.line_amount <= 0 as is_gift,
        greatest(brand_totals.line_amount * case
            when documents.is_paid_for then 1
            else cast(sign(sum(brand_totals.line_amount) over (
                partition by brand_totals.source_id, brand_totals.order_id
            )) as integer)
        end, 0) as weight
    from brand_totals
    inner join documents
        on {{ join_on('brand_totals', 'documents', ['source_id', 'order_id']) }}
),

running as (
    select
        *,
        count(*) over (partition by source_id, order_id) as brands,
        count(line_amount) over (partition by source_id, order_id) as known_brands,
        sum(weight) over (partition by source_id, order_id) as total,
        coalesce(sum(weight) over (
            partition by source_id, order_id order by brand_id
            rows between unbounded preceding and 1 preceding
        ), 0) as total_before
    from weighed
),

shares as (
    select
        source_id,
        order_id,
        brand_id,
        true as is_brand_known,
        line_amount,
        case
            when is_gift or brands = 1 then 0.0
            when known_brands = brands then coalesce({{ safe_divide('total_before', 'total') }}, 0.0)
        end as share_from,
        case
            when is_gift then 0.0
            when brands = 1 then 1.0
            when known_brands = brands
                then coalesce({{ safe_divide('total_before + weight', 'total') }}, 0.0)
        end as share_to
    from running
),

-- Money without a brand goes to the bucket.
split as (
    select distinct source_id, order_id from shares where share_to > 0
)

select source_id, order_id, brand_id, is_brand_known, line_amount, share_from, share_to from shares

union all

select
    documents.source_id,
    documents.order_id,
    {{ unbranded('documents.source_id') }} as brand_id,
    false as is_brand_known,
    null as line_amount,
    0.0 as share_from,
    1.0 as share_to
from documents
where {{ not_in_relation('documents', 'split', ['source_id', 'order_id']) }}
