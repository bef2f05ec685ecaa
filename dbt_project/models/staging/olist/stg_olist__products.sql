with products as (
    select * from {{ source('olist', 'products') }}
),

categories as (
    select product_category_name, max(product_category_name_english) as product_category_name_english
    from {{ source('olist', 'product_category_names') }}
    group by product_category_name
)

select
    products.product_id,
    'olist' as brand_id,
    products.product_category_name as category_id,
    coalesce(categories.product_category_name_english, products.product_category_name) as category_name,
    products._load_date,
    products._file,
    products._row,
    {{ whole_row('products') }} as raw_row,
    {{ reject_reason([('products.product_id is null', 'no product id')]) }} as reject_reason
from products
left join categories on products.product_category_name = categories.product_category_name
