{{ config(
    materialized='incremental',
    scope=[
        changed('int_visit_events', ['brand_id', who_of('event_date')]),
        by_macro('of_changed_brands', ['int_brand_facts']),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
) }}

{%- set slices = [
    'all', 'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product', 'page_class',
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
    'kept_adds': count_of('is_kept'),
} %}
{%- for column, kind in kinds.items() %}
{%- do columns.update({column: count_of("touch_kind = '" ~ kind ~ "'")}) %}
{%- endfor %}

with events as (
    select *, {{ who_of('event_date') }} as who from {{ ref('int_visit_events') }}
    where is_view or touch_kind in ('remove_from_cart', '{{ kinds.values() | join("', '") }}')
),

marked as (
    select
        events.brand_id,
        events.who,
        events.person_id,
        events.event_date as day,
        events.event_hour as hour,
        events.region,
        events.channel,
        {{ told_apart('events', 'campaign_id') }} as campaign_id,
        events.device,
        events.department,
        events.category_id,
        {{ told_apart('events', 'product_id') }} as product_id,
        events.page_class,
        false as is_unbranded,
        events.touch_kind,
        events.is_view,
        events.visit_id,
        events.is_entry,
        events.visit_views,
        events.dwell_seconds,
        -- Removed and added again is kept.
        events.touch_kind = 'add_to_cart' and last_value(events.touch_kind) over (
            partition by
                events.brand_id, events.person_id, events.source_id, events.product_id, events.event_date,
                events.touch_kind in ('add_to_cart', 'remove_from_cart')
            order by events.event_at, events.event_id
            rows between unbounded preceding and unbounded following
        ) = 'add_to_cart' as is_kept
    from events
    inner join {{ ref('int_brand_facts') }} as facts on events.brand_id = facts.brand_id
    where
        not facts.is_unbranded
        and {{ in_scope('events') }}
),

acts as (
    select * from marked
    where touch_kind <> 'remove_from_cart'
),

first_views as (
    select brand_id, who, min(day) as first_viewed_on from acts
    where is_view
    group by brand_id, who
),

days as (
    {{ by_slice('acts', slices, columns) }}
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
    {{ day_before('days.views > 0') }} as viewed_before,
    {{ day_before('days.favorites > 0') }} as favorited_before,
    {{ day_before('days.cart_adds > 0') }} as added_before,
    {{ day_before('days.kept_adds > 0') }} as kept_before,
    case when days.is_person and days.views > 0 then first_views.first_viewed_on end as first_viewed_on
from days
left join first_views on {{ join_on('days', 'first_views', ['brand_id', 'who']) }}
