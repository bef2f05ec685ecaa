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
),

products as (
    select
        coalesce(declared.source_id, sold.source_id) as source_id,
        coalesce(declared.product_id, sold.product_id) as product_id,
        coalesce(declared.brand_id, sold.brand_id) as brand_id,
        coalesce(declared.product_name, sold.product_name) as product_name,
        declared.category_id,
        declared.category_name,
        declared.listed_on,
        declared.delisted_on,
        declared.product_id is not null as is_declared
    from declared
    full outer join sold on declared.source_id = sold.source_id and declared.product_id = sold.product_id
)

select
    products.source_id,
    products.product_id,
    {{ told_apart('products', 'product_id') }} as member,
    products.brand_id,
    products.product_name,
    products.category_id,
    products.category_name,
    products.listed_on,
    products.delisted_on,
    products.is_declared
from products
left join {{ ref('int_brand_facts') }} as facts on products.brand_id = facts.brand_id
