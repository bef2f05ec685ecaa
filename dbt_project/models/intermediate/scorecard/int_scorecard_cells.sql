{{ config(
    materialized='incremental',
    scope=[by_macro('changed_cells', [
        'slices', 'int_report_periods', 'int_report_days', 'int_brand_facts', 'int_product_categories',
        'int_product_places', 'int_visitor_days', 'int_traffic_days', 'int_order_days', 'int_sales_days',
        'int_refund_days', 'int_review_days',
    ])],
    scope_key=['brand_id', 'period_id', 'slice', 'member'],
    only_differences=true,
    built_by=['others', 'day', 'week month', 'four_weeks', 'campaign baseline'],
) }}

{%- set cell = ['period_no', 'slice_no', 'member_no', 'class_no'] %}
{%- set groups = scorecard_groups() %}
{%- set corrected = groups_of_sums() %}
{%- set classes = ['(none)', 'new', 'returning'] %}
{%- set parts = {} %}
{%- for group in groups %}{% do parts.update({group: scorecard_counts(group) | list}) %}{% endfor %}
{%- do parts.update({'product_counts': conditions_of_one_product() | list}) %}

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

-- A period that is new is counted from all its rows, others are corrected by what changed. A purchase may move a buyer
-- from one class to another.
recounted as (
    select
        brand_id,
        period_id,
        bool_or(is_new) as is_new
    from (
        select brand_id, period_id, true as is_new from {{ changed_rows('int_report_periods') }}

        union all

        select periods.brand_id, periods.period_id, false as is_new
        from {{ changed_rows('int_sales_days') }} as sales
        inner join {{ ref('int_report_days') }} as periods on {{ join_on('sales', 'periods', ['brand_id', 'day']) }}
        where sales.slice = 'all'
    ) as changed
    group by brand_id, period_id
),
{%- endif %}

periods as (
    select
        days.brand_id,
        days.day,
        days.period_id,
        days.period_type,
        days.period_start,
        days.period_end,
        dense_rank() over (order by days.brand_id, days.period_id) as period_no
        {%- if is_incremental() %},
        coalesce(recounted.is_new, false) as is_recounted,
        recounted.brand_id is not null as is_recounted_by_class
        {%- endif %}
    from {{ ref('int_report_days') }} as days
    {%- if is_incremental() %}
    left join recounted on {{ join_on('days', 'recounted', ['brand_id', 'period_id']) }}
    {%- endif %}
    where
        days.period_type in (select slice_periods.period_type from slice_periods)
        {%- if is_incremental() %}
        and {{ in_relation('days', 'wanted', ['brand_id', 'period_id']) }}
        {%- endif %}
),

whole_periods as (
    select distinct
        brand_id,
        period_id,
        period_type,
        period_start,
        period_end,
        period_no
        {%- if is_incremental() %},
        is_recounted,
        is_recounted_by_class
        {%- endif %}
    from periods
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
        select brand_id, 'all' as slice, '' as member from {{ ref('int_report_periods') }}
        {%- for days in groups.values() | unique %}
        union
        select distinct brand_id, slice, member from {{ ref(days) }}
        {%- endfor %}
        {%- for slice, member in members_of_product('places', 'places.product_id').items() %}
        union
        select distinct brand_id, '{{ slice }}' as slice, {{ member }} as member
        from {{ ref('int_product_places') }} as places
        {%- endfor %}
        {%- endif %}
    ) as named
    where slice in (select slice_periods.rows_of from slice_periods)
),

{%- if is_incremental() %}

cells as (
    select
        periods.period_no,
        slice_periods.slice_no,
        members.member_no,
        wanted.brand_id,
        wanted.period_id,
        wanted.slice,
        wanted.of_member,
        case when wanted.slice = wanted.rows_of then periods.is_recounted else periods.is_recounted_by_class end
            as is_recounted
    from wanted
    inner join whole_periods as periods on {{ join_on('wanted', 'periods', ['brand_id', 'period_id']) }}
    inner join slice_periods
        on {{ join_on('wanted', 'slice_periods', ['slice']) }} and periods.period_type = slice_periods.period_type
    inner join members
        on
            {{ join_on('wanted', 'members', ['brand_id']) }}
            and wanted.rows_of = members.slice
            and wanted.of_member = members.member
),

recounted_days as (
    select distinct periods.brand_id, slice_periods.rows_of as slice, periods.day
    from periods
    inner join slice_periods on periods.period_type = slice_periods.period_type
    where
        {{ has_word('slice_periods.facts', "'traffic'") }}
        and (
            periods.is_recounted
            or periods.is_recounted_by_class and slice_periods.slice <> slice_periods.rows_of
        )
),

corrected_cells as (
    select
        cells.period_no,
        cells.slice_no,
        cells.member_no,
        case
            {%- for class in classes %}
            when stored.slice = 'buyer_class' and stored.member = '{{ class }}' then {{ loop.index0 }}
            {%- endfor %}
            else 0
        end as class_no
        {%- for group in corrected %}{% for column in parts[group] %},
        stored.{{ column }}
        {%- endfor %}{% endfor %}
    from {{ this }} as stored
    inner join cells
        on
            {{ join_on('stored', 'cells', ['brand_id', 'period_id', 'slice']) }}
            and cells.of_member = case when stored.slice = 'buyer_class' then '' else stored.member end
    where not cells.is_recounted
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
{%- if group in corrected %}

{{ group }}_of_people as (
    {{ rows_to_count(group, "days.slice = 'all'") }}
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
    where
        sold.is_person
        and visits.views > 0
        and visits.slice in (select slice_periods.rows_of from slice_periods)
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
        day,
        is_change,
        {{ columns_to_count('visitors') | join(', ') }},
        sum(times) as times
    from (
        {{ rows_to_count('visitors') | indent(8) }}
    ) as days
    group by brand_id, slice, member_no, day, is_change, {{ columns_to_count('visitors') | join(', ') }}
),

traffic_days as (
    select
        brand_id,
        slice,
        member_no,
        day,
        is_change,
        1 as times
        {%- for column in columns_to_count('traffic') %},
        sum(times * {{ column }}) as {{ column }}
        {%- endfor %}
    from traffic_of_people
    group by brand_id, slice, member_no, day, is_change

    union all

    select
        brand_id,
        slice,
        member_no,
        day,
        is_change,
        times
        {%- for column in columns_to_count('traffic') %},
        {{ column }}
        {%- endfor %}
    from (
        {{ rows_to_count('traffic', "days.slice <> 'all'") | indent(8) }}
    ) as days
),

{%- for group in groups %}
{%- set is_corrected = is_incremental() and group in corrected %}

{{ 'counted_' if is_corrected }}{{ group }} as (
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
{%- if is_corrected %}

-- A cell in which nothing is left has no row.
{{ group }} as (
    select
        {{ cell | join(', ') }},
        true as is_counted
        {%- for column in parts[group] %},
        {{ total(column) }} as {{ column }}
        {%- endfor %}
    from (
        {%- for cells in ['counted_' ~ group, 'corrected_cells'] %}
        select
            {{ cell | join(', ') }},
            {{ parts[group] | join(', ') }}
        from {{ cells }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as cells
    group by {{ cell | join(', ') }}
    having
        {%- for column in parts[group] %}
        {{ 'or ' if not loop.first }}sum({{ column }}) > 0
        {%- endfor %}
),
{%- endif %}
{%- endfor %}

{{ product_ctes() }},

-- The whole brand has a row for each period, a member where it did something.
expected_cells as (
    select
        periods.period_no,
        slice_periods.slice_no,
        members.member_no,
        0 as class_no
    from whole_periods as periods
    inner join slice_periods
        on slice_periods.slice = 'all' and periods.period_type = slice_periods.period_type
    inner join members on {{ join_on('periods', 'members', ['brand_id']) }} and members.slice = 'all'

    union

    -- Sources may place one product differently, so that a category has a product and no row of its own.
    select
        period_no,
        slice_no,
        member_no,
        class_no
    from product_counts
    where products_sold > 0 or products_viewed > 0
),

merged as (
    select
        {{ cell | join(', ') }}
        {%- for part, columns in parts.items() %}
        {%- for column in columns %},
        case when {{ part }}.is_counted then {{ part }}.{{ column }} else 0 end as {{ column }}
        {%- endfor %}
        {%- endfor %}
    from expected_cells
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
            when slices.slice <> 'buyer_class' then members.member
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
        {%- for column in columns if column not in parts.product_counts %},
        merged.{{ column }}
        {%- endfor %}
        {%- endfor %}
        {%- for column, is_counted in conditions_of_one_product().items() %},
        case
            when slices.slice <> 'product' then merged.{{ column }}
            when members.member <> '(none)' and {{ is_counted }} then 1
            else 0
        end as {{ column }}
        {%- endfor %}
    from merged
    inner join whole_periods as periods on {{ join_on('merged', 'periods', ['period_no']) }}
    inner join (
        select distinct slice, slice_no from slice_periods
    ) as slices on {{ join_on('merged', 'slices', ['slice_no']) }}
    left join listed_members as listed
        on
            {{ join_on('merged', 'listed', ['member_no']) }}
            and listed.slice = 'product'
            and {{ is_first_listing('listed', 'periods') }}
    inner join members on {{ join_on('merged', 'members', ['member_no']) }}
)

select * from named
where {{ in_scope('named') }}
