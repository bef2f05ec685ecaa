{#
  Law of the events of visits: every current event is there, but for those of bots.
  arguments: events, bursts.
#}
{% test no_event_is_lost(model, events, bursts) %}
with counts as (
    select events.source_id, events.event_date, count(*) as events
    from {{ events }} as events
    left join {{ bursts }} as bursts
        on {{ join_on('events', 'bursts', ['source_id', 'visitor_id', 'event_date']) }}
    where events.is_current and not ({{ is_bot('events') }})
    group by events.source_id, events.event_date

    union all

    select source_id, event_date, -count(*) as events
    from {{ model }}
    group by source_id, event_date
)

select source_id, event_date, sum(events) as missing_events
from counts
group by source_id, event_date
having sum(events) <> 0
{% endtest %}
