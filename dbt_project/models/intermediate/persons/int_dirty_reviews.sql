-- A review that names no person belongs to the person of its order, so a changed order changes it too; and one
-- whose key belongs to another person now.
with dirty as (
    {{ changes_of('int_reviews', ['source_id', 'review_id']) }}
),

of_dirty_orders as (
    select
        reviews.source_id,
        reviews.review_id
    from {{ ref('int_reviews') }} as reviews
    inner join {{ ref('int_dirty_orders') }} as orders
        on reviews.source_id = orders.source_id and reviews.order_id = orders.order_id
),

of_moved_keys as (
    select
        reviews.source_id,
        reviews.review_id
    from {{ ref('int_reviews') }} as reviews
    inner join {{ ref('int_moved_keys') }} as moved on reviews.source_key = moved.source_key
)

select * from dirty
union
select * from of_dirty_orders
union
select * from of_moved_keys
