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
    select brand_id, event_date, visit_id, person_id, previous_class as from_class, page_class as to_class
    from views

    union all

    select brand_id, event_date, visit_id, person_id, page_class as from_class, next_class as to_class
    from views
    where next_class = '(exit)'
),

-- A visit is within a day, so days add up; people do not.
daily as (
    select
        brand_id,
        event_date,
        from_class,
        to_class,
        count(*) as moves,
        count(distinct visit_id) as visits
    from moves
    group by brand_id, event_date, from_class, to_class
),

person_days as (
    select distinct brand_id, event_date, from_class, to_class, person_id
    from moves
    where person_id is not null
),

sums as (
    select
        days.brand_id,
        days.period_id,
        daily.from_class,
        daily.to_class,
        sum(daily.moves) as moves,
        sum(daily.visits) as visits
    from period_days as days
    inner join daily on {{ join_on('days', 'daily', ['brand_id', 'event_date']) }}
    group by days.brand_id, days.period_id, daily.from_class, daily.to_class
),

persons as (
    select distinct
        days.brand_id,
        days.period_id,
        person_days.from_class,
        person_days.to_class,
        person_days.person_id
    from period_days as days
    inner join person_days on {{ join_on('days', 'person_days', ['brand_id', 'event_date']) }}
),

-- How few people came this way is told; who they are must not follow from it.
visitors as (
    select brand_id, period_id, from_class, to_class, count(*) as visitors
    from persons
    group by brand_id, period_id, from_class, to_class
    having count(*) >= 5
)

select
    sums.brand_id,
    sums.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    sums.from_class,
    sums.to_class,
    cast(sums.moves as bigint) as moves,
    cast(sums.visits as bigint) as visits,
    visitors.visitors
from sums
inner join periods on {{ join_on('sums', 'periods', ['brand_id', 'period_id']) }}
left join visitors on {{ join_on('sums', 'visitors', ['brand_id', 'period_id', 'from_class', 'to_class']) }}
