{#
  Law of `fct_visits`: of each brand and day, there are as many visits as views that begin one, and their views
  are those in a visit.
  arguments: events, brands.
#}
{% test visits_hold_the_views(model, events, brands) %}
with counts as (
    select brand_id, visit_date, count(*) as visits, sum(views) as views
    from {{ model }}
    group by brand_id, visit_date

    union all

    select
        events.brand_id,
        events.event_date as visit_date,
        -sum(case when events.is_entry then 1 else 0 end) as visits,
        -count(*) as views
    from {{ events }} as events
    inner join {{ brands }} as brands
        on
            events.brand_id = brands.brand_id
            and events.event_date between brands.first_day and brands.horizon
    where events.is_view and events.visit_id is not null
    group by events.brand_id, events.event_date
)

select brand_id, visit_date, sum(visits) as missing_visits, sum(views) as missing_views
from counts
group by brand_id, visit_date
having sum(visits) <> 0 or sum(views) <> 0
{% endtest %}
