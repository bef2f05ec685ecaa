{{ config(
    materialized='incremental',
    scope=[
        changed('int_placed_orders', ['brand_id', who_of('created_date')]),
        by_macro('of_changed_brands', ['int_brand_facts']),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
) }}

{%- set columns = {
    'created_orders': 'count(*)',
    'unknown_created_orders': count_of('is_unknown'),
    'created_amount': 'cast(sum(amount) as decimal(18, 4))',
} %}

with placed as (
    select *, {{ who_of('created_date') }} as who from {{ ref('int_placed_orders') }}
),

orders as (
    select
        placed.brand_id,
        placed.who,
        placed.person_id,
        placed.created_date as day,
        placed.created_hour as hour,
        placed.region,
        placed.channel,
        {{ told_apart('placed', 'campaign_id') }} as campaign_id,
        placed.device,
        facts.is_unbranded,
        case when {{ is_own_currency('placed', 'facts') }} then placed.amount end is null
        and not {{ is_other_currency('placed', 'facts') }} as is_unknown,
        case when {{ is_own_currency('placed', 'facts') }} then placed.amount end as amount
    from placed
    inner join {{ ref('int_brand_facts') }} as facts on placed.brand_id = facts.brand_id
    where
        placed.created_date is not null
        and {{ in_scope('placed') }}
),

days as (
    {{ by_slice('orders', ['all', 'hour', 'region', 'channel', 'campaign', 'device'], columns) }}
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
    {{ day_before('days.created_orders > 0') }} as ordered_before
from days
