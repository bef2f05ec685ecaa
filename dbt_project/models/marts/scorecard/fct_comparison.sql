{{ config(materialized='view') }}

{%- set structs = [] %}
{%- for column in scorecard_columns() %}
{%- do structs.append({
    'measure': "'" ~ column ~ "'", 'unit': "'sum'", 'value': 'cast(' ~ column ~ ' as double)',
}) %}
{%- endfor %}
{%- for measure in measures() %}
{%- do structs.append({
    'measure': "'" ~ measure.measure ~ "'", 'unit': "'" ~ measure.unit ~ "'", 'value': measured(measure),
}) %}
{%- endfor %}
{%- set key = [
    'brand_id', 'comparison_kind', 'period_id', 'period_type', 'period_start', 'period_end', 'campaign_id',
    'base_period_id', 'is_contaminated', 'slice', 'member', 'submember', 'measure', 'unit',
] %}

with sides as (
    select *, period_id as side_id, false as is_base from {{ ref('dim_comparison') }}
    union all
    select *, base_period_id as side_id, true as is_base from {{ ref('dim_comparison') }}
),

figures as (
    select
        sides.comparison_kind,
        sides.period_id,
        sides.period_type,
        sides.period_start,
        sides.period_end,
        sides.campaign_id,
        sides.base_period_id,
        sides.is_contaminated,
        sides.is_base,
        scorecard.brand_id,
        scorecard.slice,
        scorecard.member,
        scorecard.submember,
        {{ stacked(structs) | indent(8) }}
    from sides
    inner join {{ ref('fct_scorecard') }} as scorecard
        on sides.brand_id = scorecard.brand_id and sides.side_id = scorecard.period_id
    -- An aftermath is told of the brand alone: all members would seem to be gone.
    where sides.comparison_kind <> 'after' or scorecard.slice = 'all'
),

paired as (
    select
        {{ key | join(', ') }},
        max(case when not is_base then value end) as value_then,
        max(case when is_base then value end) as base_then,
        bool_and(is_base) as is_gone,
        not bool_or(is_base) as is_added
    from figures
    group by {{ key | join(', ') }}
),

-- Who is absent did nothing, where that is known at all; only a region may be hidden instead.
filled as (
    select
        *,
        case
            when is_gone and base_then is not null and unit = 'sum' and slice <> 'region' then 0 else value_then
        end as value,
        case
            when is_added and value_then is not null and unit = 'sum' and slice <> 'region' then 0 else base_then
        end as base_value
    from paired
    where value_then is not null or base_then is not null
)

select
    brand_id,
    comparison_kind,
    period_id,
    period_type,
    period_start,
    period_end,
    campaign_id,
    base_period_id,
    slice,
    member,
    submember,
    measure,
    unit,
    value,
    base_value,
    case when unit = 'sum' then {{ round_double('value - base_value', 4) }} else value - base_value end as change,
    case when base_value > 0 then {{ safe_divide('(value - base_value)', 'base_value') }} end as change_rate,
    case when unit = 'share' then 100 * (value - base_value) end as change_points,
    is_contaminated
from filled
