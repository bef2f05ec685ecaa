{{ config(materialized='view', shows='int_visits') }}

with paid_days as (
    select distinct
        brand_id,
        person_id,
        paid_date
    from {{ ref('int_paid_orders') }}
    where person_id is not null
)

select
    visits.brand_id,
    visits.visit_id,
    visits.event_date as visit_date,
    visits.started_hour,
    visits.views,
    coalesce(visits.dwell_seconds, 0) as dwell_seconds,
    visits.dwell_views,
    visits.entry_class,
    visits.exit_class,
    visits.entry_product_id,
    visits.channel,
    visits.campaign_id,
    coalesce(visits.device, '(none)') as device,
    visits.views = 1 as is_one_view,
    case when visits.person_id is not null then firsts.first_viewed_on = visits.event_date end
        as is_new_visitor,
    cast(visits.cart_adds as bigint) as cart_adds,
    case when visits.person_id is not null then paid_days.person_id is not null end as has_paid
from {{ ref('int_visits') }} as visits
inner join {{ ref('int_brands') }} as brands
    on
        visits.brand_id = brands.brand_id
        and visits.event_date between brands.first_day and brands.horizon
left join {{ ref('int_first_views') }} as firsts
    on {{ join_on('visits', 'firsts', ['brand_id', 'person_id']) }}
left join paid_days
    on
        {{ join_on('visits', 'paid_days', ['brand_id', 'person_id']) }}
        and visits.event_date = paid_days.paid_date
