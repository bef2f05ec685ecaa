{{ config(
    materialized='incremental',
    scope=[
        changed('int_products'),
        changed('int_categories', through='int_products', on=['source_id']),
    ],
    scope_key=['source_id', 'product_id'],
    only_differences=true,
) }}

with recursive {{ climb_of_categories() }},

tops as (
    select
        source_id,
        category_id,
        ancestor_id,
        row_number() over (partition by source_id, category_id order by steps desc) as rank_from_top
    from climb
)

select
    products.source_id,
    products.product_id,
    products.brand_id,
    products.category_id,
    coalesce(products.department, tops.ancestor_id, products.category_id) as department,
    products.listed_on,
    products.delisted_on,
    products.list_price
from {{ ref('int_products') }} as products
left join tops
    on
        {{ join_on('products', 'tops', ['source_id', 'category_id']) }}
        and tops.rank_from_top = 1
where
    products.is_current
    and {{ in_scope('products') }}
