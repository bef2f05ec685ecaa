{#
  Whether, per period and page class, as many moves lead in as the scorecard has views that belong to a visit,
  and as many from outside as it has visits.
#}
{% test path_flow_is_the_traffic_of_page_classes(model, scorecard) %}
with moved as (
    select
        brand_id,
        period_id,
        to_class as page_class,
        sum(moves) as views,
        sum(case when from_class = '(entry)' then moves else 0 end) as visits
    from {{ model }}
    where to_class <> '(exit)'
    group by brand_id, period_id, to_class
),

counted as (
    select brand_id, period_id, member as page_class, views - views_without_visit as views, visits
    from {{ scorecard }}
    where
        slice = 'page_class'
        and period_type in (select types.period_type from {{ model }} as types)
        and views > views_without_visit
)

select *
from moved
full outer join counted using (brand_id, period_id, page_class)
where moved.views is distinct from counted.views or moved.visits is distinct from counted.visits
{% endtest %}
