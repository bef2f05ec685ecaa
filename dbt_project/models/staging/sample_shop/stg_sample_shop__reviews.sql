with source as (
    select * from {{ source('sample_shop', 'reviews') }}
),

shaped as (
    select
        review_id,
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        product_id,
        order_id,
        visitor_id,
        member_id,
        {{ utc_from_local('reviewed_at', 'sample_shop') }} as reviewed_at,
        {{ safe_cast('rating', 'integer') }} as rating,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ business_date('reviewed_at', 'sample_shop', 'brand_id') }} as reviewed_on,
    {{ reject_reason([
        ('review_id is null', 'no review id', 'review_id'),
        ('reviewed_at is null', 'time that does not parse', 'reviewed_at'),
        (is_future(business_date('reviewed_at', 'sample_shop', 'brand_id')), 'time in the future', 'reviewed_at'),
        ('rating is null or rating not between 1 and 5', 'rating that is not 1 to 5', 'rating'),
    ]) }} as reject_reason
from shaped
