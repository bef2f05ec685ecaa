with declared as (
    select * from {{ ref('int_products') }}
    where is_current
),

-- A product that was sold but not declared still has a row.
sold as (
    select
        source_id,
        product_id,
        max(brand_id) as brand_id,
        max(product_name) as product_name
    from {{ ref('int_order_lines') }}
    where is_current and product_id is not null
    group by source_id, product_id
)

select
    coalesce(declared.source_id, sold.source_id) as source_id,
    coalesce(declared.product_id, sold.product_id) as product_id,
    coalesce(declared.brand_id, sold.brand_id) as brand_id,
    coalesce(declared.product_name, sold.product_name) as product_name,
    declared.category_id,
    declared.category_name,
    declared.listed_on,
    declared.product_id is not null as is_declared
from declared
full outer join sold on declared.source_id = sold.source_id and declared.product_id = sold.product_id
