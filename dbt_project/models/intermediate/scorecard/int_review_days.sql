{{ config(
    materialized='incremental',
    scope=[
        changed('int_person_reviews', ['brand_id', who_of('reviewed_on')]),
        by_macro('of_changed_brands', ['int_brand_facts']),
        changed(
            'int_brand_facts', ['brand_id', who_of('reviewed_on')], through='int_person_reviews', on=['brand_id']
        ),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
) }}

{%- set columns = {
    'reviews': 'count(*)',
    'good_reviews': count_of('rating >= 4'),
    'bad_reviews': count_of('rating <= 2'),
    'rating_sum': 'cast(coalesce(sum(rating), 0) as bigint)',
} %}

with dated as (
    select *, {{ who_of('reviewed_on') }} as who from {{ ref('int_person_reviews') }}
),

reviews as (
    select
        dated.brand_id,
        dated.who,
        dated.person_id,
        dated.reviewed_on as day,
        dated.region,
        dated.department,
        dated.category_id,
        {{ told_apart('dated', 'product_id') }} as product_id,
        false as is_unbranded,
        dated.rating
    from dated
    inner join {{ ref('int_brand_facts') }} as facts on dated.brand_id = facts.brand_id
    where
        not facts.is_unbranded
        and {{ in_scope('dated') }}
),

days as (
    {{ by_slice('reviews', ['all', 'region', 'department', 'category', 'product'], columns) }}
)

select
    days.brand_id,
    days.slice,
    days.member,
    days.who,
    days.day,
    days.is_person,
    {%- for column in columns %}
    days.{{ column }},
    {%- endfor %}
    {{ day_before('days.reviews > 0') }} as reviewed_before,
    {{ day_before('days.good_reviews > 0') }} as praised_before,
    {{ day_before('days.bad_reviews > 0') }} as blamed_before
from days
