{{ config(
    materialized='incremental',
    scope=[
        changed('int_reviews'),
        changed('int_orders_settled', through='int_reviews', on=['source_id', 'order_id']),
        changed('int_product_categories', through='int_reviews', on=['source_id', 'product_id']),
        moved_keys('int_reviews'),
    ],
    scope_key=['source_id', 'review_id'],
) }}

select
    reviews.source_id,
    reviews.review_id,
    reviews.brand_id,
    reviews.order_id,
    reviews.product_id,
    categories.category_id,
    categories.department,
    documents.region,
    coalesce(reviews.source_key, orders.source_key) as source_key,
    coalesce({{ person_id_of('reviews') }}, orders.person_id) as person_id,
    reviews.reviewed_on,
    reviews.rating
from {{ ref('int_reviews') }} as reviews
left join {{ ref('int_orders_settled') }} as orders
    on {{ join_on('reviews', 'orders', ['source_id', 'order_id']) }}
left join {{ ref('int_orders') }} as documents
    on
        {{ join_on('reviews', 'documents', ['source_id', 'order_id']) }}
        and documents.is_current
left join {{ ref('int_product_categories') }} as categories
    on {{ join_on('reviews', 'categories', ['source_id', 'product_id']) }}
{{ owners_of('reviews', 'reviews.reviewed_at') }}
where
    reviews.is_current
    and {{ in_scope('reviews') }}
