{{ config(
    materialized='incremental',
    scope=[
        changed('int_events'),
        moved_keys('int_events'),
        changed(
            'int_burst_visitor_days', through='int_events', on=['source_id', 'visitor_id', 'event_date']
        ),
        changed('int_product_categories', through='int_events', on=['source_id', 'product_id']),
        changed('int_channel_sources', through='int_events', on=['source_id']),
    ],
    scope_key=['visit_key', 'event_date'],
    only_differences=true,
) }}

{%- set visit = 'visit_key, event_date, visit_number' %}
{%- set in_time = 'order by event_at, event_id, source_id' %}

with scoped as (
    select * from {{ ref('int_events') }} as events
    where {{ in_scope('events') }}
),

attributed as (
    {{ attributed_events('scoped') }}
),

acts as (
    select
        attributed.*,
        kinds.is_view,
        kinds.is_in_visit
        and (attributed.session_id <> '' or attributed.source_key is not null) as is_in_visit,
        coalesce(attributed.page_class, kinds.page_class) as class_of_page
    from attributed
    inner join {{ ref('touch_kinds') }} as kinds on attributed.touch_kind = kinds.touch_kind
    where not attributed.is_bot
),

paused as (
    select
        *,
        case
            when
                coalesce(session_id, '') = ''
                and event_at > lag(event_at) over (partition by visit_key, event_date {{ in_time }})
                + interval '{{ var('visit_gap_minutes') }}' minute
                then 1
            else 0
        end as is_after_pause
    from acts
    where is_in_visit
),

numbered as (
    select
        *,
        sum(is_after_pause) over (
            partition by visit_key, event_date {{ in_time }}
            rows between unbounded preceding and current row
        ) as visit_number
    from paused
),

visited as (
    select
        *,
        sum(case when is_view then 1 else 0 end) over (partition by {{ visit }}, brand_id) as brand_views,
        {{ first_known('channel') }} over whole_visit as visit_channel,
        {{ first_known('campaign_id') }} over whole_visit as visit_campaign_id,
        lead(event_at) over (partition by {{ visit }}, is_view {{ in_time }}) as next_at,
        row_number() over along_the_brand as place,
        lag(class_of_page) over along_the_brand as class_before,
        lead(class_of_page) over along_the_brand as class_after
    from numbered
    window
        whole_visit as (
            partition by {{ visit }} {{ in_time }}
            rows between unbounded preceding and unbounded following
        ),
        along_the_brand as (partition by {{ visit }}, brand_id, is_view {{ in_time }})
),

located as (
    select
        source_id,
        event_id,
        visit_key || ' ' || cast(event_date as {{ dbt.type_string() }}) || ' ' || visit_number || ' ' || brand_id
            as visit_id,
        case when is_view then place end as position,
        coalesce(is_view and place = 1, false) as is_entry,
        brand_views as visit_views,
        case when is_view then coalesce(class_before, '(entry)') end as previous_class,
        case when is_view then coalesce(class_after, '(exit)') end as next_class,
        visit_channel as channel,
        visit_campaign_id as campaign_id,
        case
            when is_view and next_at is not null
                then least({{ seconds_between('event_at', 'next_at') }}, {{ var('visit_gap_minutes') * 60 }})
        end as dwell_seconds
    from visited
    where brand_views > 0
)

select
    acts.source_id,
    acts.event_id,
    acts.brand_id,
    acts.visit_key,
    acts.source_key,
    acts.person_id,
    acts.touch_kind,
    acts.is_view,
    acts.event_at,
    acts.event_date,
    {{ brand_business_hour('acts.event_at', 'acts.source_id', 'acts.brand_id') }} as event_hour,
    located.visit_id,
    cast(located.position as integer) as position,
    coalesce(located.is_entry, false) as is_entry,
    cast(located.visit_views as integer) as visit_views,
    acts.class_of_page as page_class,
    located.previous_class,
    located.next_class,
    acts.product_id,
    categories.category_id,
    categories.department,
    acts.device,
    acts.region,
    coalesce(
        case when located.visit_id is null then acts.channel else located.channel end,
        case when telling.source_id is null then '(none)' else 'direct' end
    ) as channel,
    case when located.visit_id is null then acts.campaign_id else located.campaign_id end as campaign_id,
    cast(located.dwell_seconds as integer) as dwell_seconds
from acts
left join located on {{ join_on('acts', 'located', ['source_id', 'event_id']) }}
left join {{ ref('int_product_categories') }} as categories
    on {{ join_on('acts', 'categories', ['source_id', 'product_id']) }}
left join {{ ref('int_channel_sources') }} as telling on acts.source_id = telling.source_id
