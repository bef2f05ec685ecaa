{{ config(
    materialized='incremental',
    scope=[by_macro('changed_regions', [
        'int_report_periods', 'int_report_days', 'int_visitor_days', 'int_traffic_days', 'int_sales_days',
        'int_review_days',
    ])],
    scope_key=['brand_id', 'period_id'],
    only_differences=true,
) }}

{#- Rows of people, and the act that makes them some. -#}
{%- set groups = {
    'traffic': ('int_visitor_days', 'views'),
    'sales': ('int_sales_days', 'orders'),
    'reviews': ('int_review_days', 'reviews'),
} %}
{%- set sums_of_traffic = ['views', 'views_without_visit', 'visits', 'dwell_seconds', 'dwell_views'] %}
{%- set least = 5 %}
{%- set told = region_columns() %}

with
{%- for group, (days, done) in groups.items() %}
{{ group }}_rows as (
    select
        days.*,
        periods.period_id,
        periods.period_start
    from {{ ref(days) }} as days
    inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    where
        days.slice = 'region'
        and periods.period_type = 'month'
        and days.{{ done }} > 0
        and {{ in_scope('periods') }}
),
{%- endfor %}

traffic_counts as (
    select
        brand_id,
        period_id,
        member,
        who,
        is_person,
        day
        {%- for column in sums_of_traffic %},
        0 as {{ column }}
        {%- endfor %}
    from traffic_rows

    union all

    select
        days.brand_id,
        periods.period_id,
        days.member,
        '' as who,
        false as is_person,
        days.day
        {%- for column in sums_of_traffic %},
        days.{{ column }}
        {%- endfor %}
    from {{ ref('int_traffic_days') }} as days
    inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    where
        days.slice = 'region'
        and periods.period_type = 'month'
        and days.views > 0
        and {{ in_scope('periods') }}
),

-- A member of whom nobody is known may be one person.
people as (
    {%- for group in groups %}
    select distinct
        '{{ group }}' as fact,
        brand_id,
        period_id,
        member,
        case when is_person then who else '' end as who
    from {{ group }}_rows
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

sizes as (
    select
        fact,
        brand_id,
        period_id,
        member,
        greatest(count(nullif(who, '')), 1) as persons
    from people
    group by fact, brand_id, period_id, member
),

hidden as (
    select
        sizes.fact,
        sizes.brand_id,
        sizes.period_id,
        count(distinct sizes.member) as members,
        count(distinct case when people.who <> '' then people.who else sizes.member end) as persons
    from sizes
    inner join people on {{ join_on('sizes', 'people', ['fact', 'brand_id', 'period_id', 'member']) }}
    where sizes.persons < {{ least }}
    group by sizes.fact, sizes.brand_id, sizes.period_id
),

-- One hidden member, or a few people in all, could be told from the whole: the smallest other one joins them.
ranked as (
    select
        *,
        row_number() over (
            partition by fact, brand_id, period_id, persons < {{ least }} order by persons, member
        ) as rank_from_least
    from sizes
),

shown as (
    select
        ranked.fact,
        ranked.brand_id,
        ranked.period_id,
        ranked.member,
        case
            when
                ranked.persons < {{ least }}
                or (ranked.rank_from_least = 1 and (hidden.members = 1 or hidden.persons < {{ least }}))
                then '(small cells)'
            else ranked.member
        end as shown_as
    from ranked
    left join hidden on {{ join_on('ranked', 'hidden', ['fact', 'brand_id', 'period_id']) }}
),

{%- for group in groups %}

{{ group }} as (
    select
        rows.brand_id,
        rows.period_id,
        shown.shown_as as member
        {%- for column, aggregate in told[group].items() %},
        {{ aggregate }} as {{ column }}
        {%- endfor %}
    from {{ 'traffic_counts' if group == 'traffic' else group ~ '_rows' }} as rows
    inner join shown
        on {{ join_on('rows', 'shown', ['brand_id', 'period_id', 'member']) }} and shown.fact = '{{ group }}'
    group by rows.brand_id, rows.period_id, shown.shown_as
),
{%- endfor %}

members as (
    {%- for group in groups %}
    select brand_id, period_id, member from {{ group }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
)

-- What is hidden is unknown here; who has no row at all did nothing.
select
    members.brand_id,
    members.period_id,
    members.member
    {%- for group in groups %}
    {%- for column in told[group] %},
    case
        when {{ group }}.brand_id is not null then {{ group }}.{{ column }}
        when not exists (
            select 1 from sizes
            where {{ join_on('sizes', 'members', ['brand_id', 'period_id', 'member']) }} and sizes.fact = '{{ group }}'
        ) then 0
    end as {{ column }}
    {%- endfor %}
    {%- endfor %}
from members
{%- for group in groups %}
left join {{ group }} on {{ join_on('members', group, ['brand_id', 'period_id', 'member']) }}
{%- endfor %}
