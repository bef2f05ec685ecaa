{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_reviews',
    scope_key=['source_id', 'review_id'],
) }}

select
    reviews.source_id,
    reviews.review_id,
    reviews.brand_id,
    coalesce(reviews.source_key, orders.source_key) as source_key,
    coalesce({{ person_id_of('reviews') }}, orders.person_id) as person_id,
    reviews.reviewed_on,
    reviews.rating
from {{ ref('int_reviews') }} as reviews
left join {{ ref('int_orders_settled') }} as orders
    on reviews.source_id = orders.source_id and reviews.order_id = orders.order_id
{{ owners_of('reviews', 'reviews.reviewed_at') }}
where
    reviews.is_current
    {{ and_in_scope('reviews', 'int_dirty_reviews', ['source_id', 'review_id']) }}
