{{ config(
    materialized='incremental',
    scope=[by_macro('every_brand', ['int_brands'])],
    scope_key=['brand_id'],
    only_differences=true,
) }}

with named as (
    {%- for model in ['int_traffic_days', 'int_sales_days'] %}
    select brand_id, member as product_id from {{ ref(model) }}
    where slice = 'product' and member <> '(none)'
    union
    {%- endfor %}
    select
        listed.brand_id,
        {{ told_apart('listed', 'product_id') }} as product_id
    from {{ ref('int_product_categories') }} as listed
    inner join {{ ref('int_brand_facts') }} as facts on listed.brand_id = facts.brand_id
    where listed.listed_on is not null
),

catalogue as (
    select source_id, product_id, category_id, department, false as is_apart
    from {{ ref('int_product_categories') }}

    union all

    select
        source_id,
        {{ identity_space('source_id') }} || ':' || product_id as product_id,
        category_id,
        department,
        true as is_apart
    from {{ ref('int_product_categories') }}
),

-- A brand may sell what the catalogue lists under another one.
places as (
    select
        named.brand_id,
        named.product_id,
        min(catalogue.category_id) as category_id,
        min(catalogue.department) as department
    from named
    inner join {{ ref('int_brands') }} as brands on named.brand_id = brands.brand_id
    inner join {{ ref('int_brand_facts') }} as facts on named.brand_id = facts.brand_id
    inner join catalogue
        on
            named.product_id = catalogue.product_id
            and facts.has_several_spaces = catalogue.is_apart
            and {{ has_word("replace(brands.source_ids, ',', '')", 'catalogue.source_id') }}
    group by named.brand_id, named.product_id
)

select
    named.brand_id,
    named.product_id,
    places.category_id,
    places.department
from named
left join places on {{ join_on('named', 'places', ['brand_id', 'product_id']) }}
