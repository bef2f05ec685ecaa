{{ config(
    materialized='incremental',
    scope=[
        changed('int_sales', ['brand_id', who_of('paid_date')]),
        by_macro('of_changed_brands', ['int_brand_facts']),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
) }}

{%- set slices = [
    'all', 'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product',
] %}
{%- set sums = [
    'units', 'paid_amount', 'goods_paid_amount', 'new_product_amount', 'list_amount', 'discount_amount', 'cost_amount',
] %}
{%- set parts_of_an_order = {
    'is_foreign': 'bool_or(is_foreign)',
    'is_priced': 'bool_or(is_priced)',
    'has_benefit': 'bool_or(has_benefit)',
    'goods_lines': count_of("line_kind = 'goods'"),
} %}
{%- for column in sums %}{% do parts_of_an_order.update({column: 'sum(' ~ column ~ ')'}) %}{% endfor %}

with sales_lines as (
    select *, {{ who_of('paid_date') }} as who from {{ ref('int_sales') }}
),

scoped as (
    select
        sales.*,
        facts.is_unbranded,
        facts.has_several_spaces,
        {{ is_other_currency('sales', 'facts') }} as is_foreign,
        {{ is_own_currency('sales', 'facts') }} as is_own,
        -- Of an order whose lines do not tell its money, one line has it all.
        max(case when sales.paid_amount is not null and {{ is_own_currency('sales', 'facts') }} then 1 else 0 end) over (
            partition by sales.source_id, sales.order_id, sales.brand_id
        ) = 1 as has_amount
    from sales_lines as sales
    inner join {{ ref('int_brand_facts') }} as facts on sales.brand_id = facts.brand_id
    where {{ in_scope('sales') }}
),

sales as (
    select
        brand_id,
        who,
        person_id,
        paid_date as day,
        source_id || chr(31) || order_id as document,
        paid_hour as hour,
        region,
        channel,
        {{ told_apart('scoped', 'campaign_id', 'scoped') }} as campaign_id,
        device,
        department,
        category_id,
        case when product_id = '(none)' then product_id else {{ told_apart('scoped', 'product_id', 'scoped') }} end
            as product_id,
        is_unbranded,
        is_foreign,
        has_amount as is_priced,
        has_benefit,
        line_kind,
        quantity as units,
        case when is_own then paid_amount end as paid_amount,
        case when is_own and line_kind = 'goods' then paid_amount end as goods_paid_amount,
        case
            when is_own and paid_date between listed_on and {{ add_days('listed_on', 90) }}
                then paid_amount
        end as new_product_amount,
        case when is_own then list_amount end as list_amount,
        case when is_own then discount_amount end as discount_amount,
        case when is_own then cost_amount end as cost_amount
    from scoped
),

orders as (
    {{ by_slice('sales', slices, parts_of_an_order, ['document']) }}
),

days as (
    select
        {{ key_of_days() | join(', ') }},
        bool_or(is_person) as is_person,
        count(*) as orders,
        {{ count_of('not is_priced and not is_foreign') }} as unknown_amount_orders,
        {{ count_of('is_foreign') }} as other_currency_orders,
        {{ count_of('is_priced') }} as priced_orders,
        {{ count_of('has_benefit') }} as benefit_orders,
        cast(sum(goods_lines) as bigint) as goods_lines
        {%- for column in sums %},
        cast(sum({{ column }}) as decimal(18, 4)) as {{ column }}
        {%- endfor %}
    from orders
    group by {{ key_of_days() | join(', ') }}
),

paid_days as (
    select
        brand_id,
        who,
        day,
        lag(day) over (partition by brand_id, who order by day) as paid_before,
        min(day) over (partition by brand_id, who) as first_paid_on
    from days
    where slice = 'all' and is_person
),

-- For 365 days after a paid day a person is no new buyer; `returned_on` is the last paid day that came later.
returns as (
    select
        brand_id,
        who,
        day,
        first_paid_on,
        max(case when is_return then day end) over until_the_day as returned_on,
        max(case when is_return then paid_before end) over until_the_day as paid_before_return
    from (
        select
            *,
            paid_before is null or paid_before < {{ add_days('day', -365) }} as is_return
        from paid_days
    ) as marked
    window until_the_day as (
        partition by brand_id, who order by day rows between unbounded preceding and current row
    )
)

select
    days.brand_id,
    days.slice,
    days.member,
    days.who,
    days.day,
    days.is_person,
    days.orders,
    days.unknown_amount_orders,
    days.other_currency_orders,
    days.priced_orders,
    days.benefit_orders,
    days.goods_lines,
    {%- for column in sums %}
    days.{{ column }},
    {%- endfor %}
    {{ day_before('days.orders > 0') }} as bought_before,
    case
        when days.is_person
            then lag(days.day, 2) over (
                partition by days.brand_id, days.slice, days.member, days.who order by days.day
            )
    end as bought_before_that,
    {{ day_before('days.priced_orders > 0') }} as priced_before,
    returns.first_paid_on,
    returns.returned_on,
    returns.paid_before_return
from days
left join returns on {{ join_on('days', 'returns', ['brand_id', 'who', 'day']) }}
