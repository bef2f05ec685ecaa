{{ config(
    materialized='incremental',
    scope=[changed('int_visit_events', where='is_view'), changed('int_visits')],
    scope_key=['brand_id', 'person_id'],
    only_differences=true,
) }}

with firsts as (
    select
        views.brand_id,
        views.person_id,
        min(views.event_at) as first_at
    from {{ ref('int_visit_events') }} as views
    where
        views.is_view
        and views.person_id is not null
        and {{ in_scope('views') }}
    group by views.brand_id, views.person_id
)

select
    firsts.brand_id,
    firsts.person_id,
    firsts.first_at,
    min(visits.visit_id) as visit_id
from firsts
left join {{ ref('int_visits') }} as visits
    on
        {{ join_on('firsts', 'visits', ['brand_id', 'person_id']) }}
        and firsts.first_at = visits.started_at
group by firsts.brand_id, firsts.person_id, firsts.first_at
