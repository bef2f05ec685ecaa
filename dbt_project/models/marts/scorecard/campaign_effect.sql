{{ config(materialized='view') }}

with effects as (
    select * from {{ ref('fct_comparison') }} where comparison_kind = 'baseline'
),

aftermaths as (
    select * from {{ ref('fct_comparison') }} where comparison_kind = 'after'
)

select
    effects.brand_id,
    effects.campaign_id,
    effects.period_id,
    effects.period_start,
    effects.period_end,
    effects.base_period_id,
    effects.slice,
    effects.member,
    effects.submember,
    effects.measure,
    effects.unit,
    effects.value,
    effects.base_value,
    aftermaths.value as after_value,
    effects.change as lift,
    effects.change_rate as lift_rate,
    -- What the campaign only brought forward is missing afterwards.
    case when effects.unit = 'sum' then {{ round_double('effects.change + aftermaths.change', 4) }} end as lift_net,
    -- No source tells spend, costs of campaigns or holdouts yet.
    cast(null as decimal(18, 4)) as cost,
    cast(null as decimal(18, 4)) as margin_lift,
    cast(null as double) as roi_incremental,
    cast(null as double) as uplift,
    cast(null as double) as uplift_low,
    cast(null as double) as uplift_high,
    effects.is_contaminated
from effects
left join aftermaths
    on
        {{ join_on('effects', 'aftermaths',
            ['brand_id', 'campaign_id', 'slice', 'member', 'submember', 'measure']) }}
