{{ config(
    materialized='incremental',
    scope=[
        changed('int_visit_events', ['brand_id', 'event_date']),
        by_macro('days_of_changed_brands', ['int_brand_facts']),
    ],
    scope_key=['brand_id', 'day'],
    only_differences=true,
) }}

{%- set slices = [
    'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product', 'page_class',
] %}
{%- set kinds = {
    'favorites': 'favorite', 'cart_adds': 'add_to_cart', 'interactions': 'interaction', 'shares': 'share',
    'ad_impressions': 'ad_impression', 'ad_clicks': 'ad_click',
} %}
{%- set columns = {
    'views': count_of('is_view'),
    'views_without_visit': count_of('is_view and visit_id is null'),
    'visits': count_of('is_entry'),
    'one_view_visits': count_of('is_entry and visit_views = 1'),
    'dwell_seconds': 'cast(coalesce(sum(dwell_seconds), 0) as bigint)',
    'dwell_views': 'count(dwell_seconds)',
} %}
{%- for column, kind in kinds.items() %}
{%- do columns.update({column: count_of("touch_kind = '" ~ kind ~ "'")}) %}
{%- endfor %}
{%- set attributes = [
    'hour', 'region', 'channel', 'campaign_id', 'device', 'department', 'category_id', 'product_id', 'page_class',
    'is_unbranded', 'touch_kind', 'is_view', 'visit_id', 'is_entry', 'visit_views', 'dwell_seconds',
] %}

with events as (
    select *, event_date as day from {{ ref('int_visit_events') }}
    where is_view or touch_kind in ('{{ kinds.values() | join("', '") }}')
),

acts as (
    select
        events.brand_id,
        {{ who_of('events.day', 'events.person_id') }} as who,
        events.person_id,
        events.day,
        {{ attributes_of_acts() | indent(4) }},
        events.visit_id,
        events.is_entry,
        events.visit_views,
        events.dwell_seconds
    from events
    inner join {{ ref('int_brand_facts') }} as facts on events.brand_id = facts.brand_id
    where
        not facts.is_unbranded
        and {{ in_scope('events') }}
),

acts_of_all as (
    select
        brand_id,
        '' as who,
        cast(null as {{ dbt.type_string() }}) as person_id,
        day,
        {{ attributes | join(', ') }}
    from acts
),

-- Classes of buyers divide the whole brand by person.
days as (
    {{ by_slice('acts', ['all'], columns) }}

    union all

    {{ by_slice('acts_of_all', slices, columns) }}
)

select
    {{ key_of_days() | join(', ') }}
    {%- for column in columns %},
    {{ column }}
    {%- endfor %}
from days
