{{ config(materialized='view') }}

{%- set lists = {
    'paid_amount': 'goods_paid_amount',
    'visitors': 'visitors',
    'new_buyers': 'new_buyers',
    'repeat_buyers': 'repeat_buyers',
} %}
{#- All of these, so that a filter on any of them is applied before the windows. -#}
{%- set period = 'brand_id, period_id, period_type, period_start, period_end' %}
{%- set structs = [] %}
{%- for list, column in lists.items() %}
{%- do structs.append({'ranking': "'" ~ list ~ "'", 'value': 'cast(' ~ column ~ ' as decimal(18, 4))'}) %}
{%- endfor %}

with listed as (
    select
        brand_id,
        period_id,
        period_type,
        period_start,
        period_end,
        member as product_id,
        goods_paid_amount as paid_amount,
        {{ stacked(structs) | indent(8) }}
    from {{ ref('fct_scorecard') }}
    -- Postage and fees are sold, but no products.
    where slice = 'product' and member <> '(none)' and (products_sold > 0 or products_viewed > 0)
),

ranked as (
    select
        *,
        cast(row_number() over (
            partition by {{ period }}, ranking
            order by value desc, paid_amount desc nulls last, product_id
        ) as bigint) as rank_no,
        sum(value) over (partition by {{ period }}, ranking) as total,
        sum(value) over (
            partition by {{ period }}, ranking
            order by value desc, paid_amount desc nulls last, product_id
            rows between unbounded preceding and current row
        ) as total_to_here
    from listed
    where value > 0
)

select
    brand_id,
    period_id,
    period_type,
    period_start,
    period_end,
    ranking,
    rank_no,
    product_id,
    value,
    {{ safe_divide('value', 'total') }} as share,
    {{ safe_divide('total_to_here', 'total') }} as cumulative_share,
    paid_amount,
    case
        when period_type = 'four_weeks' and ranking = 'paid_amount' then 2 * (total_to_here - value) < total
    end as is_hit
from ranked
