{{ config(
    materialized='incremental',
    scope=[
        changed('int_visit_events', ['brand_id', who_of('event_date')]),
        by_macro('of_changed_brands', ['int_brand_facts']),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
    built_by=['all hour region', 'channel campaign device page_class', 'department category product'],
) }}

{%- set slices = [
    'all', 'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product', 'page_class',
] %}
{%- set columns = {
    'views': count_of('is_view'),
    'favorites': count_of("touch_kind = 'favorite'"),
    'cart_adds': count_of("touch_kind = 'add_to_cart'"),
    'kept_adds': count_of('is_kept'),
} %}

with events as (
    select *, {{ who_of('event_date') }} as who from {{ ref('int_visit_events') }}
    where is_view or touch_kind in ('favorite', 'add_to_cart', 'remove_from_cart')
),

marked as (
    select
        events.brand_id,
        events.who,
        events.person_id,
        events.event_date as day,
        {{ attributes_of_acts() | indent(4) }},
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

-- Numbers are grouped and ordered in half the time of names.
people as (
    select
        brand_id,
        who,
        row_number() over (order by brand_id, who) as who_no,
        min(case when is_view then day end) as first_viewed_on
    from marked
    group by brand_id, who
),

acts as (
    select
        marked.brand_id,
        people.who_no as who,
        marked.person_id,
        marked.day,
        marked.hour,
        marked.region,
        marked.channel,
        marked.campaign_id,
        marked.device,
        marked.department,
        marked.category_id,
        marked.product_id,
        marked.page_class,
        marked.is_unbranded,
        marked.touch_kind,
        marked.is_view,
        marked.is_kept
    from marked
    inner join people on {{ join_on('marked', 'people', ['brand_id', 'who']) }}
    where marked.touch_kind <> 'remove_from_cart'
),

days as (
    {{ by_slice('acts', slices, columns) }}
)

select
    days.brand_id,
    days.slice,
    days.member,
    people.who,
    days.day,
    days.is_person,
    {%- for column in columns %}
    days.{{ column }},
    {%- endfor %}
    {{ day_before('days.views > 0') }} as viewed_before,
    {{ day_before('days.favorites > 0') }} as favorited_before,
    {{ day_before('days.cart_adds > 0') }} as added_before,
    {{ day_before('days.kept_adds > 0') }} as kept_before,
    case when days.is_person and days.views > 0 then people.first_viewed_on end as first_viewed_on
from days
inner join people on days.who = people.who_no
