{{ config(
    materialized='incremental',
    scope=[by_macro('every_brand', ['int_brands'])],
    scope_key=['brand_id'],
    only_differences=true,
) }}

-- A source tells of an entity, or of a column, for all its brands or for none.
{%- set told = {
    'events': {'has_events': 'true'},
    'orders': {
        'has_orders': 'true',
        'has_prices': 'amount is not null',
        'has_discounts': 'discount_amount is not null',
        'has_coupons': 'coupon_amount is not null',
    },
    'order_lines': {
        'has_list_amounts': 'list_amount is not null',
        'has_discounts': 'list_amount is not null',
        'has_costs': 'cost_amount is not null',
    },
    'reviews': {'has_reviews': 'true'},
    'refunds': {'has_refunds': 'true'},
    'products': {'has_listing': 'listed_on is not null'},
} %}
{%- set flags = [] %}
{%- for columns in told.values() %}
{%- for flag in columns if flag not in flags %}{% do flags.append(flag) %}{% endfor %}
{%- endfor %}

with brand_sources as (
    select distinct source_id, brand_id from {{ ref('int_events') }} where is_current
    union
    select distinct source_id, brand_id from {{ ref('int_order_brands') }}
    union
    select distinct source_id, brand_id from {{ ref('int_refund_brands') }}
    union
    select distinct source_id, brand_id from {{ ref('int_person_reviews') }}
    union
    select distinct source_id, brand_id from {{ ref('int_memberships') }} where is_current
),

told as (
    {%- for entity, columns in told.items() %}
    select
        source_id
        {%- for flag in flags %},
        {{ 'bool_or(' ~ columns[flag] ~ ')' if flag in columns else 'false' }} as {{ flag }}
        {%- endfor %}
    from {{ ref('int_' ~ entity) }}
    where is_current
    group by source_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}

    -- Refunds may come as documents of their own.
    union all

    select
        source_id
        {%- for flag in flags %},
        {{ 'true' if flag == 'has_refunds' else 'false' }} as {{ flag }}
        {%- endfor %}
    from {{ ref('int_orders_settled') }}
    where document_kind = 'refund'
    group by source_id
),

linked as (
    select distinct brand_id from {{ ref('int_refund_lines') }}
    where document_kind = 'refund' and order_id is not null
)

select
    brands.brand_id,
    brands.currency,
    brands.timezone,
    brands.first_day,
    brands.is_unbranded,
    count(distinct {{ identity_space('brand_sources.source_id') }}) > 1 as has_several_spaces,
    {%- for flag in flags %}
    coalesce(bool_or(told.{{ flag }}), false) as {{ flag }},
    {%- endfor %}
    brands.brand_id in (select linked.brand_id from linked) as has_refund_links
from {{ ref('int_brands') }} as brands
left join brand_sources on brands.brand_id = brand_sources.brand_id
left join told on brand_sources.source_id = told.source_id
group by brands.brand_id, brands.currency, brands.timezone, brands.first_day, brands.is_unbranded
