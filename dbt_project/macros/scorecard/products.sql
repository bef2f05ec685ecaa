{#
  CTEs of the scorecard that count products, the last of which is `product_counts`. They read the CTEs `periods`,
  `whole_periods`, `members`, `slice_periods` and, in an increment, `cells`. Products are counted as people are, by the
  day before; of one product, its own member of slice `product`, it is asked at the end whether it counts.
#}
{% macro product_ctes() -%}
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
    where
        days.brand_id in (select members.brand_id from members where members.slice in ('all', 'department', 'category'))
        {%- if is_incremental() %}
        and {{ in_relation('days', 'periods', ['brand_id', 'day']) }}
        {%- endif %}
    group by brand_id, product_id, day
),

-- Several sources may list a product; in a period it counts once, by the first listing that reaches into it.
listings as (
    select
        brand_id,
        product_id,
        listed_on,
        delisted_on,
        coalesce(
            max(delisted_on) over (
                partition by brand_id, product_id order by listed_on, delisted_on
                rows between unbounded preceding and 1 preceding
            ),
            cast('0001-01-01' as date)
        ) as delisted_before
    from (
        select
            places.brand_id,
            {{ told_apart('places', 'product_id') }} as product_id,
            places.listed_on,
            coalesce(places.delisted_on, {{ open_end() }}) as delisted_on
        from {{ ref('int_product_categories') }} as places
        inner join {{ ref('int_brand_facts') }} as facts on places.brand_id = facts.brand_id
        where places.listed_on is not null
    ) as listed
),

products as (
    select
        brand_id,
        product_id,
        category_id,
        department,
        row_number() over (order by brand_id, product_id) as product_no
    from {{ ref('int_product_places') }}
),

-- Cells that a product counts in.
product_members as (
    {%- for slice, member in members_of_product('products', 'products.product_id').items() %}
    select
        products.product_no,
        products.brand_id,
        products.product_id,
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
    where members.slice <> 'product'
    group by
        members.brand_id, members.slice, members.member_no, days.day, days.is_sold, days.is_viewed,
        days.sold_before, days.viewed_before
),

listed_members as (
    select
        members.brand_id,
        members.slice,
        members.member_no,
        listings.listed_on,
        listings.delisted_on,
        listings.delisted_before,
        count(*) as products
    from product_members as members
    inner join listings on {{ join_on('members', 'listings', ['brand_id', 'product_id']) }}
    group by
        members.brand_id, members.slice, members.member_no, listings.listed_on, listings.delisted_on,
        listings.delisted_before
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
        from listed_members as listed
        inner join whole_periods as periods on {{ is_first_listing('listed', 'periods') }}
        where listed.slice <> 'product'
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
)
{%- endmacro %}

{# Condition: a listing reaches into the period, and no earlier one of the same product does. #}
{% macro is_first_listing(listed, periods) -%}
    {{ join_on(listed, periods, ['brand_id']) }}
    and {{ listed }}.listed_on <= {{ periods }}.period_end
    and {{ listed }}.delisted_on >= {{ periods }}.period_start
    and {{ listed }}.delisted_before < {{ periods }}.period_start
{%- endmacro %}

{# What is counted of products: whether one counts, by its `merged` counts and its listing. #}
{% macro conditions_of_one_product() -%}
    {{ return({
        'products_sold': 'merged.goods_lines > 0',
        'products_viewed': 'merged.views > 0',
        'products_on_sale': 'listed.member_no is not null',
    }) }}
{%- endmacro %}

{# Members that a product is counted in, by slice; `alias` has its category and department. #}
{% macro members_of_product(alias, product) -%}
    {{ return({
        'all': "''",
        'department': 'coalesce(' ~ alias ~ ".department, '(none)')",
        'category': 'coalesce(' ~ alias ~ ".category_id, '(none)')",
        'product': product,
    }) }}
{%- endmacro %}
