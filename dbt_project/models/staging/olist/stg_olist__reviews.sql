with reviews as (
    select * from {{ source('olist', 'order_reviews') }}
),

-- A review covers its whole order, so it is about a product only where the order has no other.
products as (
    select items.order_id, max(items.product_id) as product_id
    from {{ source('olist', 'order_items') }} as items
    group by items.order_id
    having count(distinct items.product_id) = 1
),

shaped as (
    select
        -- One review id may cover several orders.
        reviews.review_id || '-' || reviews.order_id as review_id,
        'olist' as brand_id,
        reviews.order_id,
        products.product_id,
        {{ utc_from_local('review_answer_timestamp', 'olist') }} as reviewed_at,
        {{ safe_cast('review_score', 'integer') }} as rating,
        {{ row_origin('reviews') }}
    from reviews
    left join products on reviews.order_id = products.order_id
),

dated as (
    select
        *,
        {{ business_date('reviewed_at', 'olist') }} as reviewed_on
    from shaped
)

select
    *,
    {{ reject_reason([
        ('review_id is null', 'no review or order id', 'review_id'),
        ('reviewed_at is null', 'answer time that does not parse', 'reviewed_at'),
        (is_future('reviewed_on'), 'time in the future', 'reviewed_on'),
        ('rating is null', 'score that is not a number', 'rating'),
    ]) }} as reject_reason
from dated
