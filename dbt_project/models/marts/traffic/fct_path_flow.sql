{%- set types = ['day', 'week', 'month'] -%}
{%- set of_types = "period_type in ('" ~ types | join("', '") ~ "')" -%}
{%- set scope = [changed('int_report_periods', where=of_types)] -%}
{%- for type in types -%}
    {%- do scope.append(changed(
        'int_visit_events', ['brand_id', "'" ~ type ~ "'", period_start(type, 'event_date')],
        where='is_view and visit_id is not null'
    )) -%}
{%- endfor -%}
{{ config(
    materialized='incremental',
    on_schema_change='fail',
    scope=scope,
    scope_key=['brand_id', 'period_type', 'period_start'],
) }}

with periods as (
    select periods.*
    from {{ ref('int_report_periods') }} as periods
    inner join {{ ref('int_brands') }} as brands on periods.brand_id = brands.brand_id
    where
        periods.{{ of_types }}
        and not brands.is_unbranded
        and {{ in_scope('periods') }}
),

dates as (
    {{ date_series('(select min(period_start) from periods)', '(select max(period_end) from periods)') }}
),

period_days as (
    select
        periods.brand_id,
        periods.period_id,
        periods.period_start,
        dates.date_day as event_date
    from periods
    inner join dates on dates.date_day between periods.period_start and periods.period_end
),

views as (
    select * from {{ ref('int_visit_events') }} as events
    where
        is_view
        and visit_id is not null
        and {{ in_relation('events', 'period_days', ['brand_id', 'event_date']) }}
),

-- Each view is reached from the one before it; the last one of a visit is left as well.
moves as (
    select brand_id, event_date, person_id, previous_class as from_class, page_class as to_class
    from views

    union all

    select brand_id, event_date, person_id, page_class as from_class, next_class as to_class
    from views
    where next_class = '(exit)'
),

-- A visit is entered and left once; in between it may move the same way again.
inner_visits as (
    select brand_id, event_date, from_class, to_class, count(*) as visits
    from (
        select distinct brand_id, event_date, visit_id, previous_class as from_class, page_class as to_class
        from views
        where previous_class <> '(entry)'
    ) as visits
    group by brand_id, event_date, from_class, to_class
),

person_days as (
    select brand_id, event_date, from_class, to_class, person_id, count(*) as moves
    from moves
    group by brand_id, event_date, from_class, to_class, person_id
),

-- Who moved this way on an earlier day of a period is no further visitor of it, so that any period is counted
-- from the days between, without people.
returns as (
    select
        *,
        lag(event_date) over (
            partition by brand_id, from_class, to_class, person_id order by event_date
        ) as day_before
    from person_days
),

daily as (
    select
        brand_id,
        event_date,
        from_class,
        to_class,
        day_before,
        sum(moves) as moves,
        count(person_id) as persons
    from returns
    group by brand_id, event_date, from_class, to_class, day_before
),

flows as (
    select
        days.brand_id,
        days.period_id,
        daily.from_class,
        daily.to_class,
        sum(daily.moves) as moves,
        sum(case when daily.day_before >= days.period_start then 0 else daily.persons end) as visitors
    from period_days as days
    inner join daily on {{ join_on('days', 'daily', ['brand_id', 'event_date']) }}
    group by days.brand_id, days.period_id, daily.from_class, daily.to_class
),

visits as (
    select
        days.brand_id,
        days.period_id,
        inner_visits.from_class,
        inner_visits.to_class,
        sum(inner_visits.visits) as visits
    from period_days as days
    inner join inner_visits on {{ join_on('days', 'inner_visits', ['brand_id', 'event_date']) }}
    group by days.brand_id, days.period_id, inner_visits.from_class, inner_visits.to_class
)

-- Of fewer than five visitors nobody is told how many they are.
select
    flows.brand_id,
    flows.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    flows.from_class,
    flows.to_class,
    cast(flows.moves as bigint) as moves,
    cast(coalesce(visits.visits, flows.moves) as bigint) as visits,
    cast(case when flows.visitors >= 5 then flows.visitors end as bigint) as visitors
from flows
inner join periods on {{ join_on('flows', 'periods', ['brand_id', 'period_id']) }}
left join visits on {{ join_on('flows', 'visits', ['brand_id', 'period_id', 'from_class', 'to_class']) }}
