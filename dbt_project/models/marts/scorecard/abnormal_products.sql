{{ config(materialized='view') }}

{#- Measures with the least median at which a change says something; that of money is that of what was sold. -#}
{%- set least = {
    'paid_amount': 'units_median >= 20 or buyers_median >= 5',
    'units': 'units_median >= 20',
    'visitors': 'visitors_median >= 20',
    'buyers': 'buyers_median >= 5',
} %}
{#- All of these, so that a filter on any of them is applied before the windows. -#}
{%- set period = 'brand_id, period_id, period_type, period_start, period_end' %}
{%- set structs = [] %}
{%- for measure, is_enough in least.items() %}
{%- do structs.append({
    'measure': "'" ~ measure ~ "'",
    'value': measure,
    'median': measure ~ '_median',
    'mad': measure ~ '_mad',
    'is_judged': measure ~ ' is not null and ' ~ measure ~ '_known = base_periods and (' ~ is_enough ~ ')',
}) %}
{%- endfor %}
{#- Written wherever it is read, so that each place reads its own brand and periods only. -#}
{%- set goods %}
(
    select
        brand_id,
        period_id,
        period_type,
        period_start,
        member as product_id
        {%- for measure in least %},
        cast({{ measure }} as double) as {{ measure }}
        {%- endfor %}
    from {{ ref('fct_scorecard') }}
    where slice = 'product' and member <> '(none)' and (products_sold > 0 or products_viewed > 0)
) as goods
{%- endset %}

with listed as (
    select
        brand_id,
        member as product_id,
        min(listed_on) as listed_on,
        case when count(delisted_on) = count(case when is_declared then 1 end) then max(delisted_on) end as delisted_on
    from {{ ref('dim_product') }}
    group by brand_id, member
),

products as (
    select
        goods.brand_id,
        goods.product_id,
        coalesce(min(listed.listed_on), min(goods.period_start)) as on_sale_from,
        min(listed.delisted_on) as delisted_on
    from {{ goods | trim | indent(4) }}
    left join listed on goods.brand_id = listed.brand_id and goods.product_id = listed.product_id
    where goods.period_type = 'day'
    group by goods.brand_id, goods.product_id
),

-- The eight weeks before, or the same weekday in them, as far as the product was on sale.
bases as (
    select
        judged.brand_id,
        judged.period_id,
        judged.period_type,
        judged.period_start,
        judged.period_end,
        products.product_id,
        bases.period_id as base_period_id
    from {{ ref('dim_period') }} as judged
    inner join {{ ref('dim_period') }} as bases
        on
            judged.brand_id = bases.brand_id
            and judged.period_type = bases.period_type
            and bases.period_start between
            {{ add_days('judged.period_start', -56) }} and {{ add_days('judged.period_start', -7) }}
            and {{ dbt.datediff('bases.period_start', 'judged.period_start', 'day') }} % 7 = 0
    inner join products
        on
            judged.brand_id = products.brand_id
            and products.on_sale_from <= bases.period_end
            and (products.delisted_on is null or products.delisted_on > judged.period_end)
    where judged.period_type in ('day', 'week')
),

history as (
    select
        bases.*
        {%- for measure in least %},
        case when goods.product_id is null then 0 else goods.{{ measure }} end as {{ measure }}
        {%- endfor %}
    from bases
    left join {{ goods | trim | indent(4) }}
        on
            bases.brand_id = goods.brand_id
            and bases.base_period_id = goods.period_id
            and bases.product_id = goods.product_id
),

centred as (
    select
        *
        {%- for measure in least %},
        median({{ measure }}) over (partition by {{ period }}, product_id) as {{ measure }}_median
        {%- endfor %}
    from history
),

usual as (
    select
        {{ period }},
        product_id,
        count(*) as base_periods
        {%- for measure in least %},
        count({{ measure }}) as {{ measure }}_known,
        max({{ measure }}_median) as {{ measure }}_median,
        median(abs({{ measure }} - {{ measure }}_median)) as {{ measure }}_mad
        {%- endfor %}
    from centred
    group by {{ period }}, product_id
    having count(*) >= 4
),

compared as (
    select
        usual.*
        {%- for measure in least %},
        case when goods.product_id is null then 0 else goods.{{ measure }} end as {{ measure }}
        {%- endfor %}
    from usual
    left join {{ goods | trim | indent(4) }}
        on {{ join_on('usual', 'goods', ['brand_id', 'period_id', 'product_id']) }}
),

measured as (
    select
        brand_id,
        period_id,
        period_type,
        period_start,
        period_end,
        product_id,
        base_periods,
        paid_amount,
        case
            when paid_amount is not null and paid_amount_known = base_periods
                then greatest(paid_amount_median - paid_amount, 0)
        end as money_lost,
        {{ stacked(structs) | indent(8) }}
    from compared
),

-- Without the floor any change of a steady product would be abnormal.
scaled as (
    select
        *,
        {{ safe_divide('(value - median)', 'greatest(mad, 0.1 * median)') }} as deviation
    from measured
    where is_judged
)

select
    brand_id,
    period_id,
    period_type,
    period_start,
    period_end,
    product_id,
    measure,
    value,
    median,
    mad,
    base_periods,
    deviation,
    case when deviation < -3 then 'fall' when deviation > 3 then 'rise' else 'usual' end as verdict,
    case
        when deviation < -3 and (value = 0 or deviation < -6) then 2
        when deviation < -3 then 1
        else 0
    end as risk_level,
    money_lost,
    paid_amount
from scaled
