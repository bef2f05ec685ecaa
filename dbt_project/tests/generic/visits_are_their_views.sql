{#
  Law of visits: the views of a visit are numbered from 1 without a gap; its first and last one, and nothing
  else, tell that they are; only the last view of a visit may have no dwell.
#}
{% test visits_are_their_views(model) %}
select
    visit_id,
    min(visit_views) as visit_views,
    sum(case when is_view then 1 else 0 end) as views
from {{ model }} as acts
where
    visit_id is not null
    {{ and_changed(model, ['visit_key', 'event_date'], 'acts') }}
group by visit_id
having
    min(visit_views) <> max(visit_views)
    or count(distinct position) <> min(visit_views)
    or max(position) <> min(visit_views)
    or sum(case when is_view then 1 else 0 end) <> min(visit_views)
    or sum(case when is_entry then 1 else 0 end) <> 1
    or sum(case when is_entry and position = 1 and previous_class = '(entry)' then 1 else 0 end) <> 1
    or sum(case when previous_class = '(entry)' then 1 else 0 end) <> 1
    or sum(case when next_class = '(exit)' and position = visit_views then 1 else 0 end) <> 1
    or sum(case when next_class = '(exit)' then 1 else 0 end) <> 1
    or sum(case when is_view and position < visit_views and dwell_seconds is null then 1 else 0 end) > 0
    or min(dwell_seconds) < 0
    or count(distinct brand_id) > 1
    or count(distinct event_date) > 1
{% endtest %}
