{{ config(
    materialized='incremental',
    scope=[changed('int_visit_events', where='visit_id is not null')],
    scope_key=['visit_key', 'event_date'],
    only_differences=true,
) }}

select
    acts.visit_id,
    acts.brand_id,
    acts.visit_key,
    acts.event_date,
    max(case when acts.is_entry then acts.person_id end) as person_id,
    max(case when acts.is_entry then acts.event_at end) as started_at,
    max(case when acts.is_entry then acts.event_hour end) as started_hour,
    cast(max(acts.visit_views) as bigint) as views,
    cast(sum(acts.dwell_seconds) as bigint) as dwell_seconds,
    count(acts.dwell_seconds) as dwell_views,
    max(case when acts.is_entry then acts.page_class end) as entry_class,
    max(case when acts.next_class = '(exit)' then acts.page_class end) as exit_class,
    max(case when acts.is_entry then acts.product_id end) as entry_product_id,
    max(acts.channel) as channel,
    max(acts.campaign_id) as campaign_id,
    max(case when acts.is_entry then acts.device end) as device,
    sum(case when acts.touch_kind = 'add_to_cart' then 1 else 0 end) as cart_adds
from {{ ref('int_visit_events') }} as acts
where
    acts.visit_id is not null
    and {{ in_scope('acts') }}
group by acts.visit_id, acts.brand_id, acts.visit_key, acts.event_date
