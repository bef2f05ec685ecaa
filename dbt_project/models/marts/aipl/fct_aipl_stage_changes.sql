with changes as (
    select
        history.preset,
        history.brand_id,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        history.previous_rank as from_rank,
        history.stage_rank as to_rank,
        count(*) as changes
    from {{ ref('fct_aipl_stage_history') }} as history
    inner join {{ ref('int_periods') }} as periods
        on
            history.brand_id = periods.brand_id
            and history.valid_from between periods.period_start and periods.period_end
    group by
        history.preset, history.brand_id, periods.period_type, periods.period_start, periods.period_end,
        history.previous_rank, history.stage_rank
)

select
    changes.preset,
    changes.brand_id,
    changes.period_type,
    changes.period_start,
    changes.period_end,
    from_stages.stage as from_stage,
    to_stages.stage as to_stage,
    cast(changes.changes as bigint) as changes
from changes
inner join {{ ref('aipl_stages') }} as from_stages
    on changes.preset = from_stages.preset and changes.from_rank = from_stages.rank
inner join {{ ref('aipl_stages') }} as to_stages
    on changes.preset = to_stages.preset and changes.to_rank = to_stages.rank
