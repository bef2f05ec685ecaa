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

{%- set key = ['brand_id', 'period_id', 'slice', 'member', 'submember'] %}
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
    {{ numbered_days(days) }}
    {{ 'and' if is_incremental() else 'where' }} days.slice = 'all'
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
        {{ numbered_days('int_traffic_days') | indent(8) }}
        {{ 'and' if is_incremental() else 'where' }} days.slice <> 'all'
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

-- Products are counted as people are, by the day before.
product_days as (
    select
        brand_id,
        product_id,
        day,
        max(is_sold) as is_sold,
        max(is_viewed) as is_viewed
    from (
        select brand_id, member as product_id, day, 1 as is_sold, 0 as is_viewed
        from {{ ref('int_sales_days') }}
        where slice = 'product' and member <> '(none)' and goods_lines > 0

        union all

        select brand_id, member as product_id, day, 0 as is_sold, 1 as is_viewed
        from {{ ref('int_traffic_days') }}
        where slice = 'product' and member <> '(none)' and views > 0
    ) as days
    {%- if is_incremental() %}
    where {{ in_relation('days', 'periods', ['brand_id', 'day']) }}
    {%- endif %}
    group by brand_id, product_id, day
),

listings as (
    select
        places.brand_id,
        {{ told_apart('places', 'product_id') }} as product_id,
        min(places.listed_on) as listed_on,
        case when count(places.delisted_on) = count(*) then max(places.delisted_on) end as delisted_on
    from {{ ref('int_product_categories') }} as places
    inner join {{ ref('int_brand_facts') }} as facts on places.brand_id = facts.brand_id
    where places.listed_on is not null
    group by places.brand_id, {{ told_apart('places', 'product_id') }}
),

named_products as (
    select brand_id, product_id from product_days
    union
    select brand_id, product_id from listings
),

catalogue as (
    select source_id, product_id, category_id, department, false as is_apart
    from {{ ref('int_product_categories') }}

    union all

    select
        source_id,
        {{ identity_space('source_id') }} || ':' || product_id as product_id,
        category_id,
        department,
        true as is_apart
    from {{ ref('int_product_categories') }}
),

-- A brand may sell what the catalogue lists under another one.
places as (
    select
        named_products.brand_id,
        named_products.product_id,
        min(catalogue.category_id) as category_id,
        min(catalogue.department) as department
    from named_products
    inner join {{ ref('int_brands') }} as brands on named_products.brand_id = brands.brand_id
    inner join {{ ref('int_brand_facts') }} as facts on named_products.brand_id = facts.brand_id
    inner join catalogue
        on
            named_products.product_id = catalogue.product_id
            and facts.has_several_spaces = catalogue.is_apart
            and {{ has_word("replace(brands.source_ids, ',', '')", 'catalogue.source_id') }}
    group by named_products.brand_id, named_products.product_id
),

products as (
    select
        named_products.brand_id,
        named_products.product_id,
        places.category_id,
        places.department,
        listings.listed_on,
        listings.delisted_on,
        row_number() over (order by named_products.brand_id, named_products.product_id) as product_no
    from named_products
    left join places on {{ join_on('named_products', 'places', ['brand_id', 'product_id']) }}
    left join listings on {{ join_on('named_products', 'listings', ['brand_id', 'product_id']) }}
),

-- Cells that a product counts in.
product_members as (
    {%- for slice, member in {
        'all': "''",
        'department': "coalesce(products.department, '(none)')",
        'category': "coalesce(products.category_id, '(none)')",
        'product': 'products.product_id',
    }.items() %}
    select
        products.product_no,
        products.brand_id,
        products.listed_on,
        products.delisted_on,
        members.slice,
        members.member_no
    from products
    inner join members
        on
            {{ join_on('products', 'members', ['brand_id']) }}
            and members.slice = '{{ slice }}'
            and members.member = {{ member }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

days_of_products as (
    select
        products.product_no,
        days.day,
        days.is_sold,
        days.is_viewed
        {%- for done in ['sold', 'viewed'] %},
        case
            when days.is_{{ done }} = 1
                then max(case when days.is_{{ done }} = 1 then days.day end) over (
                    partition by products.product_no order by days.day
                    rows between unbounded preceding and 1 preceding
                )
        end as {{ done }}_before
        {%- endfor %}
    from product_days as days
    inner join products on {{ join_on('days', 'products', ['brand_id', 'product_id']) }}
),

products_days as (
    select
        members.brand_id,
        members.slice,
        members.member_no,
        days.day,
        days.is_sold,
        days.is_viewed,
        days.sold_before,
        days.viewed_before,
        count(*) as products
    from days_of_products as days
    inner join product_members as members on {{ join_on('days', 'members', ['product_no']) }}
    group by
        members.brand_id, members.slice, members.member_no, days.day, days.is_sold, days.is_viewed,
        days.sold_before, days.viewed_before
),

-- Whether one product is on sale is asked at the end.
products_listed as (
    select
        brand_id,
        slice,
        member_no,
        listed_on,
        delisted_on,
        count(*) as products
    from product_members
    where slice <> 'product' and listed_on is not null
    group by brand_id, slice, member_no, listed_on, delisted_on
),

whole_periods as (
    select distinct brand_id, period_id, period_type, period_start, period_end, period_no from periods
),

product_counts as (
    select
        counts.period_no,
        slice_periods.slice_no,
        counts.member_no,
        0 as class_no,
        true as is_counted,
        {{ total('counts.sold') }} as products_sold,
        {{ total('counts.viewed') }} as products_viewed,
        {{ total('counts.on_sale') }} as products_on_sale
    from (
        select
            periods.period_no,
            periods.period_type,
            days.slice,
            days.member_no
            {%- for done in ['sold', 'viewed'] %},
            case
                when
                    days.is_{{ done }} = 1
                    and (days.{{ done }}_before is null or days.{{ done }}_before < periods.period_start)
                    then days.products
                else 0
            end as {{ done }}
            {%- endfor %},
            0 as on_sale
        from products_days as days
        inner join periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}

        union all

        select
            periods.period_no,
            periods.period_type,
            listed.slice,
            listed.member_no,
            0 as sold,
            0 as viewed,
            listed.products as on_sale
        from products_listed as listed
        inner join whole_periods as periods
            on
                {{ join_on('listed', 'periods', ['brand_id']) }}
                and listed.listed_on <= periods.period_end
                and (listed.delisted_on is null or listed.delisted_on >= periods.period_start)
    ) as counts
    inner join slice_periods
        on counts.slice = slice_periods.slice and counts.period_type = slice_periods.period_type
    {%- if is_incremental() %}
    inner join cells
        on
            {{ join_on('counts', 'cells', ['period_no', 'member_no']) }}
            and {{ join_on('slice_periods', 'cells', ['slice_no']) }}
    {%- endif %}
    group by counts.period_no, slice_periods.slice_no, counts.member_no
),

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
