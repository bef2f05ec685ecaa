{{ config(
    materialized='incremental',
    scope=[changed('int_visit_events', where='is_view')],
    scope_key=['brand_id', 'person_id'],
    only_differences=true,
) }}

select
    views.brand_id,
    views.person_id,
    min(views.event_date) as first_viewed_on
from {{ ref('int_visit_events') }} as views
where
    views.is_view
    and views.person_id is not null
    and {{ in_scope('views') }}
group by views.brand_id, views.person_id
