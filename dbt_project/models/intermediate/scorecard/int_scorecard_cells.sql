{{ config(
    materialized='incremental',
    scope=[by_macro('changed_cells', [
        'slices', 'int_report_periods', 'int_report_days', 'int_brand_facts', 'int_product_categories',
        'int_traffic_days', 'int_order_days', 'int_sales_days', 'int_refund_days', 'int_review_days',
    ])],
    scope_key=['brand_id', 'period_id', 'slice', 'member'],
    only_differences=true,
) }}

{%- set key = ['brand_id', 'period_id', 'slice', 'member', 'submember'] %}
{%- set grouped = ['brand_id', 'period_id', 'cell_slice', 'cell_member', 'submember'] %}
{%- set groups = scorecard_groups() %}
{%- set product_slices = {
    'all': "''",
    'department': "coalesce(places.department, '(none)')",
    'category': "coalesce(places.category_id, '(none)')",
    'product': 'products.product_id',
} %}
{%- set parts = {} %}
{%- for group in groups %}{% do parts.update({group: scorecard_counts(group) | list}) %}{% endfor %}
{%- do parts.update({
    'payers_without_visit': ['payers_without_visit'],
    'products': ['products_sold', 'products_viewed', 'products_on_sale'],
}) %}

with slice_periods as (
    {{ slice_periods() }}
),

{%- if is_incremental() %}

-- What is to be counted, and which rows it is made of.
cells as (
    select distinct
        scope.brand_id,
        scope.period_id,
        slices.slice,
        slices.rows_of,
        case when slices.slice = 'buyer_class' then '' else scope.member end as of_member
    from {{ scope_relation() }} as scope
    inner join {{ ref('slices') }} as slices on scope.slice = slices.slice
),

changed_members as (
    select distinct brand_id, rows_of as slice, of_member as member from cells
),

changed_periods as (
    select distinct brand_id, period_id, slice, rows_of from cells
),
{%- endif %}

classes as (
    select
        days.brand_id,
        periods.period_id,
        days.who,
        case when bool_or({{ is_new() }}) then 'new' else 'returning' end as buyer_class
    from {{ ref('int_sales_days') }} as days
    inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    where
        days.slice = 'all'
        and days.is_person
        {%- if is_incremental() %}
        and exists (
            select 1 from changed_periods
            where
                {{ join_on('periods', 'changed_periods', ['brand_id', 'period_id']) }}
                and changed_periods.slice <> changed_periods.rows_of
        )
        {%- endif %}
    group by days.brand_id, periods.period_id, days.who
),

{%- for group in groups %}

{{ group }}_rows as (
    {{ rows_of_cells(group, false) }}

    union all

    {{ rows_of_cells(group, true) }}
),

{{ group }} as (
    select
        brand_id,
        period_id,
        cell_slice as slice,
        cell_member as member,
        submember
        {%- for column, aggregate in scorecard_counts(group).items() %},
        {{ aggregate }} as {{ column }}
        {%- endfor %}
    from {{ group }}_rows
    group by {{ grouped | join(', ') }}
),
{%- endfor %}

-- Rows of sales once more: used twice, they would be kept in memory, of all periods and with all columns.
buyer_rows as (
    {{ rows_of_cells('sales', false) }}

    union all

    {{ rows_of_cells('sales', true) }}
),

payers_without_visit as (
    select
        buyer_rows.brand_id,
        buyer_rows.period_id,
        buyer_rows.cell_slice as slice,
        buyer_rows.cell_member as member,
        buyer_rows.submember,
        count(*) as payers_without_visit
    from buyer_rows
    -- Without events nobody knows who visited.
    inner join {{ ref('int_brand_facts') }} as facts on buyer_rows.brand_id = facts.brand_id and facts.has_events
    where
        {{ is_first('orders', 'bought_before') }}
        and not exists (
            select 1 from {{ ref('int_traffic_days') }} as visits
            where
                {{ join_on('visits', 'buyer_rows', ['brand_id', 'slice', 'member', 'who']) }}
                and visits.day between buyer_rows.period_start and buyer_rows.period_end
                and visits.views > 0
        )
    group by buyer_rows.{{ grouped | join(', buyer_rows.') }}
),

-- Distinct products are counted from days of products, which are few.
product_days as (
    select brand_id, member as product_id, day, true as is_sold from {{ ref('int_sales_days') }}
    where slice = 'product' and member <> '(none)' and goods_lines > 0
    union
    select brand_id, member as product_id, day, false as is_sold from {{ ref('int_traffic_days') }}
    where slice = 'product' and member <> '(none)' and views > 0
),

period_products as (
    select
        product_days.brand_id,
        periods.period_id,
        periods.period_type,
        product_days.product_id,
        bool_or(product_days.is_sold) as is_sold,
        bool_or(not product_days.is_sold) as is_viewed,
        false as is_on_sale
    from product_days
    inner join {{ ref('int_report_days') }} as periods
        on {{ join_on('product_days', 'periods', ['brand_id', 'day']) }}
    {%- if is_incremental() %}
    where exists (
        select 1 from changed_periods
        where {{ join_on('periods', 'changed_periods', ['brand_id', 'period_id']) }}
    )
    {%- endif %}
    group by product_days.brand_id, periods.period_id, periods.period_type, product_days.product_id

    union all

    select
        places.brand_id,
        periods.period_id,
        periods.period_type,
        {{ told_apart('places', 'product_id') }} as product_id,
        false as is_sold,
        false as is_viewed,
        true as is_on_sale
    from {{ ref('int_product_categories') }} as places
    inner join {{ ref('int_brand_facts') }} as facts on places.brand_id = facts.brand_id
    inner join {{ ref('int_report_periods') }} as periods
        on
            places.brand_id = periods.brand_id
            and places.listed_on <= periods.period_end
            and (places.delisted_on is null or places.delisted_on >= periods.period_start)
    {%- if is_incremental() %}
    where exists (
        select 1 from changed_periods
        where {{ join_on('periods', 'changed_periods', ['brand_id', 'period_id']) }}
    )
    {%- endif %}
),

-- A brand may sell what the catalogue lists under another one.
listed as (
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

places as (
    select
        sold.brand_id,
        sold.product_id,
        min(listed.category_id) as category_id,
        min(listed.department) as department
    from (select distinct brand_id, product_id from period_products) as sold
    inner join {{ ref('int_brands') }} as brands on sold.brand_id = brands.brand_id
    inner join {{ ref('int_brand_facts') }} as facts on sold.brand_id = facts.brand_id
    inner join listed
        on
            sold.product_id = listed.product_id
            and facts.has_several_spaces = listed.is_apart
            and {{ has_word("replace(brands.source_ids, ',', '')", 'listed.source_id') }}
    group by sold.brand_id, sold.product_id
),

products as (
    {%- for slice, member in product_slices.items() %}
    select
        products.brand_id,
        products.period_id,
        '{{ slice }}' as slice,
        {{ member }} as member,
        '' as submember,
        count(distinct case when products.is_sold then products.product_id end) as products_sold,
        count(distinct case when products.is_viewed then products.product_id end) as products_viewed,
        count(distinct case when products.is_on_sale then products.product_id end) as products_on_sale
    from period_products as products
    inner join slice_periods
        on products.period_type = slice_periods.period_type and slice_periods.slice = '{{ slice }}'
    left join places on {{ join_on('products', 'places', ['brand_id', 'product_id']) }}
    group by {{ (['products.brand_id', 'products.period_id'] + ([member] if slice != 'all' else [])) | join(', ') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- The whole brand has a row for each period, a member where it did something. Put together by grouping: each join
-- would keep a table of all cells in memory.
counted as (
    {%- for part, columns in parts.items() %}
    select
        {{ key | join(', ') }},
        '{{ part }}' as part
        {%- for columns_of_part in parts.values() %}
        {%- for column in columns_of_part %},
        {{ column if column in columns else 'null' }} as {{ column }}
        {%- endfor %}
        {%- endfor %}
    from {{ part }}

    union all
    {%- endfor %}

    select
        brand_id,
        period_id,
        'all' as slice,
        '' as member,
        '' as submember,
        'all' as part
        {%- for columns in parts.values() %}
        {%- for column in columns %},
        null as {{ column }}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('int_report_periods') }} as periods
    {%- if is_incremental() %}
    where exists (
        select 1 from changed_periods
        where
            {{ join_on('periods', 'changed_periods', ['brand_id', 'period_id']) }}
            and changed_periods.slice = 'all'
    )
    {%- endif %}
)

select
    {{ key | join(', ') }}
    {%- for part, columns in parts.items() %}
    {%- for column in columns %},
    case when bool_or(part = '{{ part }}') then max({{ column }}) else 0 end as {{ column }}
    {%- endfor %}
    {%- endfor %}
from counted
where {{ in_scope('counted') }}
group by {{ key | join(', ') }}
having bool_or(part not in ('products', 'payers_without_visit'))
