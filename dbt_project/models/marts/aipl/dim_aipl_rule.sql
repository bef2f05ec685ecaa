select
    rules.preset,
    rules.rule_id,
    rules.stage,
    cast(stages.rank as integer) as stage_rank,
    rules.kind,
    rules.touch_kind,
    rules.window_days,
    rules.min_count,
    rules.min_rating,
    presets.refund_policy,
    rules.source,
    rules.confidence
from {{ ref('aipl_rules') }} as rules
inner join {{ ref('aipl_stages') }} as stages on rules.preset = stages.preset and rules.stage = stages.stage
inner join {{ ref('aipl_presets') }} as presets on rules.preset = presets.preset
where rules.preset in ({{ active_presets() }})
