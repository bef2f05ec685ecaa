{{ config(
    materialized='incremental',
    scope=[
        changed('int_products'),
        changed('int_categories', through='int_products', on=['source_id']),
    ],
    scope_key=['source_id', 'product_id'],
    only_differences=true,
) }}

with recursive categories as (
    select
        source_id,
        category_id,
        parent_id
    from {{ ref('int_categories') }}
    where is_current
),

-- From each category up, until a parent is not known or was passed before.
climb (source_id, category_id, ancestor_id, parent_id, passed, steps) as (
    select
        source_id,
        category_id,
        category_id as ancestor_id,
        parent_id,
        chr(31) || category_id || chr(31) as passed,
        0 as steps
    from categories

    union all

    select
        climb.source_id,
        climb.category_id,
        parents.category_id as ancestor_id,
        parents.parent_id,
        climb.passed || chr(31) || parents.category_id || chr(31) as passed,
        climb.steps + 1 as steps
    from climb
    inner join categories as parents
        on
            climb.source_id = parents.source_id
            and climb.parent_id = parents.category_id
            and position(chr(31) || parents.category_id || chr(31) in climb.passed) = 0
),

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
    coalesce(tops.ancestor_id, products.category_id) as department,
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
