{{ config(
    materialized='incremental',
    scope=changed_periods('int_stage_history', ['valid_from', 'valid_to']),
    scope_key=['brand_id', 'person_id', 'period_type', 'period_start'],
) }}

with history as (
    select * from {{ ref('int_stage_history') }}
    where {{ since_scope('valid_from', 'period_start') }}
),

period_changes as (
    {{ with_periods('history', 'valid_from') }}
)

select
    preset,
    brand_id,
    period_type,
    period_start,
    person_id,
    min_by(previous_rank, valid_from) as from_rank,
    max_by(stage_rank, valid_from) as to_rank,
    -- On any day of the period: reached within it, or still held on its first day.
    max(stage_rank) > 0 or (min(valid_from) > period_start and min_by(previous_rank, valid_from) > 0)
        as was_in_stock
from period_changes as changes
where {{ in_scope('changes') }}
group by preset, brand_id, period_type, period_start, person_id
