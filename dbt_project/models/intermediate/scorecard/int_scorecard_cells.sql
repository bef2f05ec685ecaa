{{ config(
    materialized='incremental',
    scope=[by_macro('changed_cells', [
        'slices', 'int_report_periods', 'int_report_days', 'int_brand_facts', 'int_product_categories',
        'int_visitor_days', 'int_traffic_days', 'int_order_days', 'int_sales_days', 'int_refund_days',
        'int_review_days',
    ])],
    scope_key=['brand_id', 'period_id', 'slice', 'member'],
    only_differences=true,
    built_by=['others', 'day', 'week month', 'four_weeks', 'campaign baseline'],
) }}

{%- set cell = ['period_no', 'slice_no', 'member_no', 'class_no'] %}
{%- set groups = scorecard_groups() %}
{%- set visitor = columns_of_visitors() %}
{%- set classes = ['(none)', 'new', 'returning'] %}
{%- set parts = {} %}
{%- for group in groups %}{% do parts.update({group: scorecard_counts(group) | list}) %}{% endfor %}
{%- do parts.update({'product_counts': ['products_sold', 'products_viewed', 'products_on_sale']}) %}

-- Cells are counted by numbers of periods, slices and members, which cost a third of their names.
with slice_periods as (
    {{ slice_periods() }}
),

{%- if is_incremental() %}

wanted as (
    select distinct
        scope.brand_id,
        scope.period_id,
        slices.slice,
        slices.rows_of,
        case when slices.slice = 'buyer_class' then '' else scope.member end as of_member
    from {{ scope_relation() }} as scope
    inner join {{ ref('slices') }} as slices on scope.slice = slices.slice
),
{%- endif %}

periods as (
    select
        brand_id,
        day,
        period_id,
        period_type,
        period_start,
        period_end,
        dense_rank() over (order by brand_id, period_id) as period_no
    from {{ ref('int_report_days') }} as days
    where
        period_type in (select slice_periods.period_type from slice_periods)
        {%- if is_incremental() %}
        and {{ in_relation('days', 'wanted', ['brand_id', 'period_id']) }}
        {%- endif %}
),

members as (
    select
        brand_id,
        slice,
        member,
        row_number() over (order by brand_id, slice, member) as member_no
    from (
        {%- if is_incremental() %}
        select distinct brand_id, rows_of as slice, of_member as member from wanted
        {%- else %}
        {%- for days in groups.values() | unique %}
        select distinct brand_id, slice, member from {{ ref(days) }}
        {{ 'union' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    ) as named
    where slice in (select slice_periods.rows_of from slice_periods)
),

{%- if is_incremental() %}

cells as (
    select distinct periods.period_no, slice_periods.slice_no, members.member_no
    from wanted
    inner join periods on {{ join_on('wanted', 'periods', ['brand_id', 'period_id']) }}
    inner join slice_periods on {{ join_on('wanted', 'slice_periods', ['slice']) }}
    inner join members
        on
            {{ join_on('wanted', 'members', ['brand_id']) }}
            and wanted.rows_of = members.slice
            and wanted.of_member = members.member
),
{%- endif %}

classes as (
    select
        periods.period_no,
        days.who,
        case when bool_or({{ is_new() }}) then 1 else 2 end as class_no
    from {{ ref('int_sales_days') }} as days
    inner join periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    where days.slice = 'all' and days.is_person
    group by periods.period_no, days.who
),

{%- for group, days in groups.items() %}
{%- if group in ['visitors', 'traffic'] %}

{{ group }}_of_people as (
    {{ numbered_days(days, "days.slice = 'all'") }}
),
{%- elif group == 'sales' %}

sold as (
    {{ numbered_days(days) }}
),

-- The buyer's last view of the member up to the day, and the first one after it.
views_of_buyers as (
    select
        sold.member_no,
        sold.who,
        sold.day,
        max(case when visits.day <= sold.day then visits.day end) as viewed_until,
        min(case when visits.day > sold.day then visits.day end) as viewed_after
    from sold
    inner join {{ ref('int_visitor_days') }} as visits
        on {{ join_on('sold', 'visits', ['brand_id', 'slice', 'member', 'who']) }}
    where sold.is_person and visits.views > 0
    group by sold.member_no, sold.who, sold.day
),

sales_days as (
    select sold.*, views.viewed_until, views.viewed_after
    from sold
    left join views_of_buyers as views on {{ join_on('sold', 'views', ['member_no', 'who', 'day']) }}
),
{%- else %}

{{ group }}_days as (
    {{ numbered_days(days) }}
),
{%- endif %}
{%- endfor %}

-- Few days differ in what is counted of people, so that most slices have far fewer rows than people.
visitors_days as (
    select
        brand_id,
        slice,
        member_no,
        day
        {%- for column in visitor %},
        {{ column }}
        {%- endfor %},
        count(*) as people
    from (
        select
            days.brand_id,
            days.slice,
            days.member_no,
            days.day
            {%- for column, expression in visitor.items() %},
            {{ expression }} as {{ column }}
            {%- endfor %}
        from (
            {{ numbered_days('int_visitor_days') | indent(8) }}
        ) as days
    ) as acts
    group by brand_id, slice, member_no, day, {{ visitor | join(', ') }}
),

traffic_days as (
    select
        brand_id,
        slice,
        member_no,
        day
        {%- for column in scorecard_counts('traffic') %},
        sum({{ column }}) as {{ column }}
        {%- endfor %}
    from traffic_of_people
    group by brand_id, slice, member_no, day

    union all

    select
        brand_id,
        slice,
        member_no,
        day
        {%- for column in scorecard_counts('traffic') %},
        {{ column }}
        {%- endfor %}
    from (
        {{ numbered_days('int_traffic_days', "days.slice <> 'all'") | indent(8) }}
    ) as days
),

{%- for group in groups %}

{{ group }} as (
    select
        {{ cell | join(', ') }},
        true as is_counted
        {%- for column, aggregate in scorecard_counts(group).items() %},
        {{ aggregate }} as {{ column }}
        {%- endfor %}
    from (
        {{ rows_of_cells(group, false) | indent(8) }}

        union all

        {{ rows_of_cells(group, true) | indent(8) }}
    ) as days
    group by {{ cell | join(', ') }}
),
{%- endfor %}

{{ product_ctes() }},

-- The whole brand has a row for each period, a member where it did something.
whole_brands as (
    select distinct
        periods.period_no,
        slice_periods.slice_no,
        coalesce(members.member_no, 0) as member_no,
        0 as class_no
    from periods
    inner join slice_periods
        on slice_periods.slice = 'all' and periods.period_type = slice_periods.period_type
    left join members on {{ join_on('periods', 'members', ['brand_id']) }} and members.slice = 'all'
),

merged as (
    select
        {{ cell | join(', ') }}
        {%- for part, columns in parts.items() %}
        {%- for column in columns %},
        case when {{ part }}.is_counted then {{ part }}.{{ column }} else 0 end as {{ column }}
        {%- endfor %}
        {%- endfor %}
    from whole_brands
    {%- for part in parts %}
    {{ 'full' if part in groups else 'left' }} join {{ part }} using ({{ cell | join(', ') }})
    {%- endfor %}
),

named as (
    select
        periods.brand_id,
        periods.period_id,
        slices.slice,
        case
            when slices.slice <> 'buyer_class' then coalesce(members.member, '')
            {%- for class in classes %}
            when merged.class_no = {{ loop.index0 }} then '{{ class }}'
            {%- endfor %}
        end as member,
        case
            when slices.slice <> 'category_buyer_class' then ''
            {%- for class in classes %}
            when merged.class_no = {{ loop.index0 }} then '{{ class }}'
            {%- endfor %}
        end as submember
        {%- for columns in parts.values() %}
        {%- for column in columns if column != 'products_on_sale' %},
        merged.{{ column }}
        {%- endfor %}
        {%- endfor %},
        case
            when slices.slice <> 'product' then merged.products_on_sale
            when
                listed.listed_on <= periods.period_end
                and (listed.delisted_on is null or listed.delisted_on >= periods.period_start)
                then 1
            else 0
        end as products_on_sale
    from merged
    inner join whole_periods as periods on {{ join_on('merged', 'periods', ['period_no']) }}
    inner join (
        select distinct slice, slice_no from slice_periods
    ) as slices on {{ join_on('merged', 'slices', ['slice_no']) }}
    left join product_members as listed
        on {{ join_on('merged', 'listed', ['member_no']) }} and listed.slice = 'product'
    left join members on {{ join_on('merged', 'members', ['member_no']) }}
)

select * from named
where {{ in_scope('named') }}
