select
    preset,
    stage,
    cast(rank as integer) as stage_rank,
    name_en,
    name_zh
from {{ ref('aipl_stages') }}
where preset in ({{ active_presets() }})
