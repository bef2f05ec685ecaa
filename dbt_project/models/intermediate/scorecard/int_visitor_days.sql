{{ config(
    materialized='incremental',
    scope=[by_macro('members_of_touched_days', ['int_visit_events', 'int_brand_facts', 'int_first_views'])],
    scope_key=['brand_id', 'slice', 'member', 'who'],
    only_differences=true,
    built_by=['all hour region', 'channel campaign device page_class', 'department category product'],
) }}

{%- set columns = {
    'views': count_of('is_view'),
    'favorites': count_of("touch_kind = 'favorite'"),
    'cart_adds': count_of("touch_kind = 'add_to_cart'"),
    'kept_adds': count_of('is_kept'),
} %}

with
{%- if is_incremental() %}
touched as (
    {{ touched_days() }}
),

-- Other days of these members: their counts stand, only the day before is looked up again.
other_days as (
    select * from {{ this }} as stored
    where
        {{ is_built_now('stored.slice') }}
        and {{ in_scope('stored') }}
        and {{ not_in_relation('stored', 'touched', ['brand_id', 'who', 'day']) }}
),
{%- endif %}

marked as (
    {{ acts_of_visitors() }}
),

-- Numbers are grouped and ordered in half the time of names.
people as (
    select
        found.brand_id,
        found.who,
        firsts.first_viewed_on,
        row_number() over (order by found.brand_id, found.who) as who_no
    from (
        select distinct brand_id, who from marked
        {%- if is_incremental() %}
        union
        select brand_id, who from other_days
        {%- endif %}
    ) as found
    left join {{ ref('int_first_views') }} as firsts
        on found.brand_id = firsts.brand_id and found.who = firsts.person_id
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
    {{ by_slice('acts', ['all'] + slices_of_acts(), columns) }}
    {%- if is_incremental() %}

    union all

    select
        other_days.brand_id,
        other_days.slice,
        other_days.member,
        people.who_no as who,
        other_days.day,
        {%- for column in columns %}
        other_days.{{ column }},
        {%- endfor %}
        other_days.is_person
    from other_days
    inner join people on {{ join_on('other_days', 'people', ['brand_id', 'who']) }}
    {%- endif %}
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
