{#
  What the scorecard counts, by the day model that has it: `{column: aggregate over its rows in a period}`.
  `is_first(done, before)` holds for the first row of a person in the period; `money(...)` is NULL where there
  are amounts and none is known.
#}
{% macro scorecard_counts(group) -%}
    {{ return({
        'visitors': {
            'visitors': total('times', is_first('views', 'viewed_before')),
            'new_visitors': total(
                'times', is_first('views', 'viewed_before') ~ ' and first_viewed_on >= period_start'
            ),
            'visitor_days': total('times', 'is_person and views > 0'),
            'one_view_visitor_days': total('times', 'is_person and views = 1'),
            'favorite_persons': total('times', is_first('favorites', 'favorited_before')),
            'cart_persons': total('times', is_first('cart_adds', 'added_before')),
            'cart_persons_kept': total('times', is_first('kept_adds', 'kept_before')),
        },
        'traffic': {
            'views': total('times * views'),
            'views_without_visit': total('times * views_without_visit'),
            'visits': total('times * visits'),
            'one_view_visits': total('times * one_view_visits'),
            'dwell_seconds': total('times * dwell_seconds'),
            'dwell_views': total('times * dwell_views'),
            'favorites': total('times * favorites'),
            'cart_adds': total('times * cart_adds'),
            'interactions': total('times * interactions'),
            'shares': total('times * shares'),
            'ad_impressions': total('times * ad_impressions'),
            'ad_clicks': total('times * ad_clicks'),
        },
        'orders': {
            'created_orders': total('created_orders'),
            'created_buyers': count_of(is_first('created_orders', 'ordered_before')),
            'created_amount': money('created_amount', 'created_orders', 'unknown_created_orders'),
        },
        'sales': {
            'orders': total('orders'),
            'goods_lines': total('goods_lines'),
            'unattributed_orders': total('orders', 'not is_person'),
            'unknown_amount_orders': total('unknown_amount_orders'),
            'other_currency_orders': total('other_currency_orders'),
            'priced_orders': total('priced_orders'),
            'priced_buyers': count_of(is_first('priced_orders', 'priced_before')),
            'buyers': count_of(is_first('orders', 'bought_before')),
            'new_buyers': count_of(is_first('orders', 'bought_before') ~ ' and ' ~ is_new()),
            'first_ever_buyers': count_of(
                is_first('orders', 'bought_before') ~ ' and first_paid_on >= period_start'
            ),
            'repeat_buyers': count_of(
                'bought_before >= period_start'
                ~ ' and (bought_before_that is null or bought_before_that < period_start)'
            ),
            'payers_without_visit': count_of(
                is_first('orders', 'bought_before')
                ~ ' and (viewed_until is null or viewed_until < period_start)'
                ~ ' and (viewed_after is null or viewed_after > period_end)'
            ),
            'units': 'cast(coalesce(sum(units), 0) as decimal(18, 4))',
            'paid_amount': money('paid_amount', 'orders - other_currency_orders', 'unknown_amount_orders'),
            'attributed_amount': money(
                'paid_amount', 'orders - other_currency_orders', 'unknown_amount_orders', 'is_person'
            ),
            'goods_paid_amount': money(
                'goods_paid_amount', 'orders - other_currency_orders', 'unknown_amount_orders'
            ),
            'new_buyer_amount': money(
                'paid_amount', 'orders - other_currency_orders', 'unknown_amount_orders', is_new()
            ),
            'new_product_amount': money(
                'new_product_amount', 'orders - other_currency_orders', 'unknown_amount_orders'
            ),
            'list_amount': 'cast(sum(list_amount) as decimal(18, 4))',
            'discount_amount': 'cast(sum(discount_amount) as decimal(18, 4))',
            'benefit_orders': total('benefit_orders'),
            'cost_amount': 'cast(sum(cost_amount) as decimal(18, 4))',
        },
        'refunds': {
            'refunds': total('refunds'),
            'refunded_amount': money('refunded_amount', 'refunds', 'unknown_refunds'),
            'refunded_orders': total('refunded_orders'),
            'unlinked_refund_amount': money(
                'unlinked_refund_amount', 'unlinked_refunds', 'unknown_unlinked_refunds'
            ),
            'adjustment_amount':
                'cast(case when sum(unknown_adjustments) = 0 then coalesce(sum(adjustment_amount), 0) end'
                ~ ' as decimal(18, 4))',
        },
        'paid_refunds': {
            'refunded_as_known': money('refunded_as_known', 'refunds_as_known', 'unknown_refunds_as_known'),
            'attributed_refunded_as_known': money(
                'refunded_as_known', 'refunds_as_known', 'unknown_refunds_as_known', 'is_person'
            ),
            'orders_refunded_as_known': total('orders_refunded_as_known'),
        },
        'reviews': {
            'reviews': total('reviews'),
            'reviewers': count_of(is_first('reviews', 'reviewed_before')),
            'good_reviewers': count_of(is_first('good_reviews', 'praised_before')),
            'bad_reviewers': count_of(is_first('bad_reviews', 'blamed_before')),
            'rating_sum': total('rating_sum'),
        },
    }[group]) }}
{%- endmacro %}

{# Day model of each group of facts; `facts` of seeds/slices.csv names the groups that a slice has. #}
{% macro scorecard_groups() -%}
    {{ return({
        'visitors': 'int_visitor_days',
        'traffic': 'int_traffic_days',
        'orders': 'int_order_days',
        'sales': 'int_sales_days',
        'refunds': 'int_refund_days',
        'paid_refunds': 'int_refund_days',
        'reviews': 'int_review_days',
    }) }}
{%- endmacro %}

{% macro is_first(done, before) -%}
    is_person and {{ done }} > 0 and ({{ before }} is null or {{ before }} < period_start)
{%- endmacro %}

{#
  Whether a person who bought is new in the period: no paid day in the 365 days before it. Exact for periods of
  at most 366 days, since more than a year lies between two returns.
#}
{% macro is_new() -%}
    returned_on >= period_start
    and (paid_before_return is null or paid_before_return < {{ add_days('period_start', -365) }})
{%- endmacro %}

{% macro total(column, condition=none) -%}
    cast(sum({{ 'case when ' ~ condition ~ ' then ' ~ column ~ ' else 0 end' if condition else column }}) as bigint)
{%- endmacro %}

{% macro money(column, documents, unknown, condition='true') -%}
    cast(
        case
            when
                sum(case when {{ condition }} then {{ unknown }} else 0 end)
                = sum(case when {{ condition }} then {{ documents }} else 0 end)
                and sum(case when {{ condition }} then {{ unknown }} else 0 end) > 0
                then null
            else coalesce(sum(case when {{ condition }} then {{ column }} end), 0)
        end as decimal(18, 4)
    )
{%- endmacro %}


{#
  Slices with the types of periods that each is told for, those that are built now. Products have most of the cells.
#}
{% macro slice_periods() -%}
    select
        slices.slice,
        slices.rows_of,
        slices.facts,
        types.period_type,
        dense_rank() over (order by slices.slice) as slice_no
    from {{ ref('slices') }} as slices
    inner join (
        select distinct period_type from {{ ref('int_report_days') }}
    ) as types on {{ has_word('slices.period_types', 'types.period_type') }}
    where
        slices.slice <> 'region'
        and {{ is_built_now("case when slices.slice = 'product' then types.period_type else 'others' end") }}
{%- endmacro %}

{# Whether a text of words holds a word. #}
{% macro has_word(words, word) -%}
    {{ dbt.position("' ' || " ~ word ~ " || ' '", "' ' || " ~ words ~ " || ' '") | trim }} > 0
{%- endmacro %}

{# Groups whose counts are sums over rows: what a night changes of them is added to the cells or taken from them. #}
{% macro groups_of_sums() -%}
    {{ return(['visitors', 'traffic']) }}
{%- endmacro %}

{#
  What is counted of these groups, `{column: expression over a row}`. Of a person on a day: each act once, views up to
  two. Who viewed the member before a day is no new visitor of it in a period that begins later than that.
#}
{% macro columns_to_count(group) -%}
    {%- if group == 'visitors' -%}
        {{ return({
            'is_person': 'days.is_person',
            'viewed_before': 'days.viewed_before',
            'favorited_before': 'days.favorited_before',
            'added_before': 'days.added_before',
            'kept_before': 'days.kept_before',
            'first_viewed_on': 'case when days.viewed_before is null then days.first_viewed_on end',
            'views': 'least(days.views, 2)',
            'favorites': 'least(days.favorites, 1)',
            'cart_adds': 'least(days.cart_adds, 1)',
            'kept_adds': 'least(days.kept_adds, 1)',
        }) }}
    {%- endif -%}
    {%- set columns = {} -%}
    {%- for column in scorecard_counts(group) %}{% do columns.update({column: 'days.' ~ column}) %}{% endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#
  Rows of these groups that meet a condition, with the number of the member, and `times`, how often a row counts. In
  an increment: the rows of the days that are counted again, and those before and after what changed.
#}
{% macro rows_to_count(group, condition='true') -%}
    {%- set days = scorecard_groups()[group] -%}
    {%- set relations = {'false': ref(days)} -%}
    {%- if is_incremental() and is_changed(days) -%}
        {%- do relations.update({'true': changes_relation(ref(days))}) -%}
    {%- endif -%}
    {%- for is_change, relation in relations.items() %}
    select
        days.brand_id,
        days.slice,
        days.who,
        days.day,
        members.member_no,
        {{ is_change }} as is_change,
        {{ "case when days._image = 'after' then 1 else -1 end" if is_change == 'true' else '1' }} as times
        {%- for column, expression in columns_to_count(group).items() %},
        {{ expression }} as {{ column }}
        {%- endfor %}
    from {{ relation }} as days
    inner join members on {{ join_on('days', 'members', ['brand_id', 'slice', 'member']) }}
    where
        {{ condition }}
        {%- if is_incremental() and is_change == 'false' %}
        and {{ in_relation('days', 'recounted_days', ['brand_id', 'slice', 'day']) }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Rows of a day model of the members and periods that are counted, with the number of the member. #}
{% macro numbered_days(model) -%}
    select days.*, members.member_no
    from {{ ref(model) }} as days
    inner join members on {{ join_on('days', 'members', ['brand_id', 'slice', 'member']) }}
    {%- if is_incremental() %}
    where {{ in_relation('days', 'periods', ['brand_id', 'day']) }}
    {%- endif %}
{%- endmacro %}

{#
  Rows of a day model in the periods of the cells to be counted. Cells of the classes of buyers are made of the
  rows of another slice; `class_no` of CTE `classes` is the person's class in the period.
#}
{% macro rows_of_cells(group, is_classed) -%}
    {%- set is_sum = group in groups_of_sums() %}
    select
        {%- if is_sum %}
        {%- for column in columns_to_count(group) %}
        days.{{ column }},
        {%- endfor %}
        days.times,
        days.member_no,
        {%- else %}
        days.*,
        {%- endif %}
        periods.period_no,
        periods.period_start,
        periods.period_end,
        slice_periods.slice_no,
        {{ 'coalesce(classes.class_no, 0)' if is_classed else '0' }} as class_no
    from {{ group }}_{{ 'of_people' if is_classed and is_sum else 'days' }} as days
    inner join periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    inner join slice_periods
        on days.slice = slice_periods.rows_of and periods.period_type = slice_periods.period_type
    {%- if is_incremental() and not is_sum %}
    inner join cells
        on
            {{ join_on('days', 'cells', ['member_no']) }}
            and {{ join_on('periods', 'cells', ['period_no']) }}
            and {{ join_on('slice_periods', 'cells', ['slice_no']) }}
    {%- endif %}
    {%- if is_classed %}
    left join classes on {{ join_on('periods', 'classes', ['period_no']) }} and {{ join_on('days', 'classes', ['who']) }}
    {%- endif %}
    where
        {{ has_word('slice_periods.facts', "'" ~ group ~ "'") }}
        and slice_periods.slice {{ '<>' if is_classed else '=' }} slice_periods.rows_of
        {%- if is_incremental() and is_sum %}
        and days.is_change <> periods.is_recounted{{ '_by_class' if is_classed }}
        {%- endif %}
        {%- if group == 'refunds' %}
        and days.refunds + days.unlinked_refunds + days.adjustments > 0
        {%- elif group == 'paid_refunds' %}
        and days.refunds_as_known > 0
        {%- endif %}
{%- endmacro %}

{# Scope of the scorecard: cells with a row that changed, of a period that came or went, or of listed products. #}
{% macro changed_cells() -%}
    {%- set selects = ['select brand_id, period_id, slice, member from ' ~ this ~ ' where false'] -%}
    {%- set days_of_periods -%}
        inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
        inner join slice_periods
            on days.slice = slice_periods.rows_of and periods.period_type = slice_periods.period_type
    {%- endset -%}
    {%- set cell -%}
        select days.brand_id, periods.period_id, slice_periods.slice, days.member
    {%- endset -%}
    {%- set is_new_period = is_changed('int_report_periods') -%}
    {%- set new_periods = changes_relation(ref('int_report_periods')) -%}
    {%- do selects.append(cells_of_products()) -%}
    {%- do selects.append(cells_of_moved_products()) -%}
    {%- if is_changed('int_sales_days') -%}
        {#- What is given back of a purchase may be in a category in which its buyer bought nothing. -#}
        {%- do selects.append(
            cell ~ ' from ' ~ ref('int_refund_days') ~ ' as days ' ~ days_of_periods
            ~ " where slice_periods.slice = 'category_buyer_class' and "
            ~ in_relation('days', changes_relation(ref('int_sales_days')), ['brand_id', 'who'])
        ) -%}
    {%- endif -%}
    {%- for model in scorecard_groups().values() | unique -%}
        {%- if is_changed(model) -%}
            {%- do selects.append(
                cell ~ ' from ' ~ changes_relation(ref(model)) ~ ' as days ' ~ days_of_periods
            ) -%}
        {%- endif -%}
        {#- Each row of int_visitor_days has one of int_traffic_days with the same member and day. -#}
        {%- if is_new_period and model != 'int_visitor_days' -%}
            {%- do selects.append(
                cell ~ ' from ' ~ ref(model) ~ ' as days ' ~ days_of_periods ~ ' where '
                ~ in_relation('periods', new_periods, ['brand_id', 'period_id'])
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if is_new_period -%}
        {%- do selects.append(
            'select stored.brand_id, stored.period_id, stored.slice, stored.member from ' ~ this
            ~ ' as stored where ' ~ in_relation('stored', new_periods, ['brand_id', 'period_id'])
        ) -%}
        {%- do selects.append(
            "select brand_id, period_id, 'all' as slice, '' as member from " ~ new_periods
        ) -%}
    {%- endif -%}
    {%- if is_changed('int_product_categories') -%}
        {%- do selects.append(cells_of_changed_listings()) -%}
    {%- endif %}
    with slice_periods as (
        {{ slice_periods() }}
    ),

    places as (
        select brand_id, product_id, category_id, department from {{ ref('int_product_places') }}
        union
        select brand_id, product_id, category_id, department from {{ changed_rows('int_product_places') }}
    ),

    -- Cells that a product counts in, before or after.
    members_of_products as (
        {%- for slice, member in members_of_product('places', 'places.product_id').items() %}
        select brand_id, product_id, '{{ slice }}' as slice, {{ member }} as member from places
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    moved_products as (
        select brand_id, product_id from {{ changed_rows('int_product_places') }}
        group by brand_id, product_id
        having count(*) > 1
    ),

    -- If one product replaces another, the number of products alone may change in the cells of both.
    days_of_products as (
        {%- for model in ['int_traffic_days', 'int_sales_days'] %}
        select brand_id, member as product_id, day from {{ changed_rows(model) }} as days
        where slice = 'product'
        union
        select days.brand_id, days.member as product_id, days.day from {{ ref(model) }} as days
        inner join moved_products as moved
            on {{ join_on('days', 'moved', ['brand_id']) }} and days.member = moved.product_id
        where days.slice = 'product'
        {%- if is_new_period %}
        union
        select days.brand_id, days.member as product_id, days.day from {{ ref(model) }} as days
        inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
        where days.slice = 'product' and {{ in_relation('periods', new_periods, ['brand_id', 'period_id']) }}
        {%- endif %}
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    changed_cells as (
        {{ selects | join('\nunion\n') }}
    )

    -- A buyer who is new no more leaves one class and enters another.
    select
        changed_cells.brand_id,
        changed_cells.period_id,
        changed_cells.slice,
        coalesce(classes.buyer_class, changed_cells.member) as member
    from changed_cells
    left join (
        select 'new' as buyer_class union all select 'returning' union all select '(none)'
    ) as classes on changed_cells.slice = 'buyer_class'
{%- endmacro %}

{# Cells of products with other rows on a day, and in new periods of all that have one. #}
{% macro cells_of_products() -%}
    select distinct members.brand_id, periods.period_id, members.slice, members.member
    from days_of_products as days
    inner join members_of_products as members on {{ join_on('days', 'members', ['brand_id', 'product_id']) }}
    inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    inner join slice_periods
        on {{ join_on('members', 'slice_periods', ['slice']) }} and periods.period_type = slice_periods.period_type
    where members.slice <> 'product'
{%- endmacro %}

{# All cells of the categories that a product left or came to, and of brands whose ids are told apart now or no more. #}
{% macro cells_of_moved_products() -%}
    select stored.brand_id, stored.period_id, stored.slice, stored.member
    from {{ this }} as stored
    inner join members_of_products as members on {{ join_on('stored', 'members', ['brand_id', 'slice', 'member']) }}
    inner join moved_products as moved on {{ join_on('members', 'moved', ['brand_id', 'product_id']) }}
    where stored.slice in ('department', 'category')

    union

    select stored.brand_id, stored.period_id, stored.slice, stored.member
    from {{ this }} as stored
    inner join (
        select brand_id from {{ changed_rows('int_brand_facts') }}
        group by brand_id
        having count(distinct has_several_spaces) > 1
    ) as changed on {{ join_on('stored', 'changed', ['brand_id']) }}
    where stored.slice in ('all', 'department', 'category')
{%- endmacro %}

{# Cells of products whose listing changed, in the periods from the first day about which the answer changed. #}
{% macro cells_of_changed_listings() -%}
    {%- set listing = 'partition by listed.source_id, listed.product_id, listed.brand_id' -%}
    select members.brand_id, periods.period_id, members.slice, members.member
    from (
        select
            listed.brand_id,
            {{ told_apart('listed', 'product_id') }} as product_id,
            case
                when
                    count(*) over ({{ listing }}) = 1
                    or count(listed.listed_on) over ({{ listing }}) = 1
                    or min(listed.listed_on) over ({{ listing }}) <> max(listed.listed_on) over ({{ listing }})
                    then min(listed.listed_on) over ({{ listing }})
                else min(listed.delisted_on) over ({{ listing }})
            end as since
        from {{ changes_relation(ref('int_product_categories')) }} as listed
        inner join {{ ref('int_brand_facts') }} as facts on listed.brand_id = facts.brand_id
    ) as moved
    inner join members_of_products as members on {{ join_on('moved', 'members', ['brand_id', 'product_id']) }}
    inner join {{ ref('int_report_periods') }} as periods
        on moved.brand_id = periods.brand_id and moved.since <= periods.period_end
    inner join {{ this }} as stored
        on
            {{ join_on('periods', 'stored', ['brand_id', 'period_id']) }}
            and {{ join_on('members', 'stored', ['slice', 'member']) }}
{%- endmacro %}

{# Scope of slice `region`: months of brands with a row of it that changed, or that came or went. #}
{% macro changed_regions() -%}
    select brand_id, period_id from {{ this }} where false
    {%- for model in ['int_visitor_days', 'int_traffic_days', 'int_sales_days', 'int_review_days']
        if is_changed(model) %}
    union
    select days.brand_id, periods.period_id
    from {{ changes_relation(ref(model)) }} as days
    inner join {{ ref('int_report_days') }} as periods on {{ join_on('days', 'periods', ['brand_id', 'day']) }}
    where days.slice = 'region' and periods.period_type = 'month'
    {%- endfor %}
    {%- if is_changed('int_report_periods') %}
    union
    select brand_id, period_id from {{ changes_relation(ref('int_report_periods')) }}
    where period_type = 'month'
    {%- endif %}
{%- endmacro %}
