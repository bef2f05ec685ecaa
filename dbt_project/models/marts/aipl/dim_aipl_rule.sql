select
    preset,
    rule_id,
    stage,
    cast(stage_rank as integer) as stage_rank,
    kind,
    touch_kind,
    window_days,
    min_count,
    min_rating,
    refund_policy,
    source,
    confidence
from ({{ active_rules() }}) as rules
