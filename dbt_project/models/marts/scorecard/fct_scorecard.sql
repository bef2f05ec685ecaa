{{ config(materialized='view', shows='int_scorecard_cells') }}

{%- set columns = scorecard_columns() %}
{%- set told_of_regions = [] %}
{%- for found in region_columns().values() %}{% do told_of_regions.extend(found) %}{% endfor %}

with cells as (
    select
        brand_id,
        period_id,
        slice,
        member,
        submember
        {%- for column in columns if column != 'benefit_discount' %},
        {{ column }}
        {%- endfor %}
    from {{ ref('int_scorecard_cells') }}

    union all

    select
        brand_id,
        period_id,
        'region' as slice,
        member,
        '' as submember
        {%- for column in columns if column != 'benefit_discount' %},
        {{ column if column in told_of_regions else 'null' }} as {{ column }}
        {%- endfor %}
    from {{ ref('int_scorecard_regions') }}
),

-- NULL is what no source of the brand tells, or what the slice has no facts of.
told as (
    select
        facts.brand_id,
        facts.currency,
        facts.first_day,
        slices.slice
        {%- for column, (fact, capability, unit) in columns.items() if column != 'benefit_discount' %},
        {{ has_word('slices.facts', "'" ~ fact ~ "'") }}
        {%- if capability %}
        and facts.{{ capability }}
        {%- endif %}
        {%- if unit in ['persons', 'products', 'person_days'] or fact in ['traffic', 'reviews'] %}
        and not facts.is_unbranded
        {%- endif %} as {{ column }}
        {%- endfor %}
    from {{ ref('int_brand_facts') }} as facts
    cross join {{ ref('slices') }} as slices
)

select
    cells.brand_id,
    cells.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    cells.slice,
    cells.member,
    cells.submember,
    told.currency,
    cast(
        least(365, {{ dbt.datediff('told.first_day', 'periods.period_start', 'day') }}) as integer
    ) as buyer_history_days
    {%- for column in columns %},
    {%- if column == 'benefit_discount' %}
    cast(null as decimal(18, 4)) as benefit_discount
    {%- else %}
    case when told.{{ column }} then cells.{{ column }} end as {{ column }}
    {%- endif %}
    {%- endfor %}
from cells
inner join {{ ref('int_report_periods') }} as periods on {{ join_on('cells', 'periods', ['brand_id', 'period_id']) }}
inner join told on {{ join_on('cells', 'told', ['brand_id', 'slice']) }}
