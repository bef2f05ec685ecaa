{#- What a basis takes from what was paid, and from what buyers paid. Refunds to who paid an unknown amount are
    money without a buyer. -#}
{%- set bases = [
    {
        'money_basis': "'gross'",
        'attributed': 'case when priced_buyers > 0 then coalesce(attributed_amount, 0) else 0 end',
        'paid': 'coalesce(paid_amount, 0)',
    },
    {
        'money_basis': "'net_as_known'",
        'attributed': 'case when priced_buyers > 0'
            ~ ' then coalesce(attributed_amount, 0) - coalesce(attributed_refunded_as_known, 0) else 0 end',
        'paid': 'coalesce(paid_amount, 0) - coalesce(refunded_as_known, 0)',
    },
] -%}
{%- set comparison = [
    'brand_id', 'comparison_kind', 'period_id', 'period_type', 'period_start', 'period_end', 'base_period_id',
    'is_contaminated',
] -%}
with totals as (
    select * from {{ ref('fct_scorecard') }} where slice = 'all' and paid_amount is not null
),

comparisons as (
    select comparisons.*
    from {{ ref('dim_comparison') }} as comparisons
    inner join totals on {{ join_on('comparisons', 'totals', ['brand_id', 'period_id']) }}
    inner join totals as bases
        on comparisons.brand_id = bases.brand_id and comparisons.base_period_id = bases.period_id
    -- Money without a brand has no categories either.
    inner join {{ ref('int_brand_facts') }} as facts
        on comparisons.brand_id = facts.brand_id and not facts.is_unbranded
    where
        comparisons.comparison_kind = 'baseline'
        or (
            comparisons.comparison_kind in ('previous', 'year_ago')
            and comparisons.period_type in ('month', 'quarter', 'year')
        )
),

sides as (
    select *, 1 as side, period_id as side_id from comparisons
    union all
    select *, 0 as side, base_period_id as side_id from comparisons
),

sold as (
    select
        {% for column in comparison %}sides.{{ column }}, {% endfor %}
        sides.side,
        scorecard.currency,
        scorecard.member as category_id,
        scorecard.submember as buyer_class,
        -- Orders of nobody have money, but are no factor of it.
        case when scorecard.submember <> '(none)' then scorecard.priced_buyers else 0 end as buyers,
        case when scorecard.submember <> '(none)' then scorecard.priced_orders else 0 end as orders,
        {{ stacked(bases) | indent(8) }}
    from sides
    inner join {{ ref('fct_scorecard') }} as scorecard
        on sides.brand_id = scorecard.brand_id and sides.side_id = scorecard.period_id
    where scorecard.slice = 'category_buyer_class'
),

-- Refunds and adjustments that name no purchase have no category.
documents as (
    select
        {% for column in comparison %}sides.{{ column }}, {% endfor %}
        sides.side,
        totals.currency,
        '(documents)' as category_id,
        '(none)' as buyer_class,
        0 as buyers,
        0 as orders,
        'net_as_known' as money_basis,
        0 as attributed,
        coalesce(totals.adjustment_amount, 0) - coalesce(totals.unlinked_refund_amount, 0) as paid
    from sides
    inner join totals on sides.brand_id = totals.brand_id and sides.side_id = totals.period_id
),

figures as (
    select * from sold
    union all
    select * from documents
),

classed as (
    select figures.*, figures.buyer_class as leaf_class from figures where buyer_class <> '(none)'
    union all
    select figures.*, 'all' as leaf_class from figures
),

leaves as (
    select
        {{ comparison | join(', ') }},
        currency,
        money_basis,
        category_id,
        leaf_class as buyer_class
        {%- for side in [0, 1] %},
        cast(coalesce(sum(case when side = {{ side }} then buyers end), 0) as bigint) as buyers_{{ side }},
        cast(coalesce(sum(case when side = {{ side }} then orders end), 0) as bigint) as orders_{{ side }},
        cast(coalesce(sum(case when side = {{ side }} then attributed end), 0) as decimal(18, 4))
            as amount_{{ side }},
        cast(coalesce(sum(case when side = {{ side }} then paid - coalesce(attributed, 0) end), 0)
            as decimal(18, 4)) as other_{{ side }}
        {%- endfor %}
    from classed
    group by {{ comparison | join(', ') }}, currency, money_basis, category_id, leaf_class
),

-- A side without buyers has the factors of the other one: all of its change is of buyers.
factors as (
    select
        *
        {%- for side, other in [(0, 1), (1, 0)] %},
        cast(buyers_{{ side }} as double) as n_{{ side }},
        coalesce(
            {{ safe_divide('orders_' ~ side, 'buyers_' ~ side) }},
            {{ safe_divide('orders_' ~ other, 'buyers_' ~ other) }}
        ) as f_{{ side }},
        coalesce(
            {{ safe_divide('amount_' ~ side, 'orders_' ~ side) }},
            {{ safe_divide('amount_' ~ other, 'orders_' ~ other) }}
        ) as p_{{ side }}
        {%- endfor %}
    from leaves
    where buyers_0 + buyers_1 > 0 or other_0 <> other_1
)

select
    brand_id,
    comparison_kind,
    period_id,
    period_type,
    period_start,
    period_end,
    base_period_id,
    currency,
    money_basis,
    category_id,
    buyer_class,
    buyers_0,
    orders_0,
    amount_0,
    buyers_1,
    orders_1,
    amount_1,
    coalesce({{ part_of_change('n', 'f', 'p') }}, 0) as gain,
    coalesce({{ part_of_change('f', 'n', 'p') }}, 0) as retain,
    coalesce({{ part_of_change('p', 'n', 'f') }}, 0) as boost,
    cast(other_1 - other_0 as double) as other_change,
    buyers_0 = 0 and buyers_1 > 0 as is_entered,
    buyers_0 > 0 and buyers_1 = 0 as is_left,
    is_contaminated
from factors
