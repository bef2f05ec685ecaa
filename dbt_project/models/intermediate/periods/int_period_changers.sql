{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_person_periods',
    scope_key=['brand_id', 'person_id', 'period_type', 'period_start'],
) }}

with first_starts as (
    select brand_id, person_id, min(period_start) as first_start from {{ ref('int_dirty_person_periods') }}
    group by brand_id, person_id
),

-- In an incremental run with the row before the first one that begins in a period of the scope.
recent as (
    select history.* from {{ ref('fct_aipl_stage_history') }} as history
    left join first_starts
        on history.brand_id = first_starts.brand_id and history.person_id = first_starts.person_id
    where {{ 'history.valid_to >= first_starts.first_start' if is_incremental() else 'true' }}
),

history as (
    select
        *,
        lag(stage_rank, 1, 0) over (partition by preset, brand_id, person_id order by valid_from) as previous_rank
    from recent
),

period_changes as (
    select *, 'week' as period_type, {{ period_start('week', 'valid_from') }} as period_start from history
    union all
    select *, 'month' as period_type, {{ period_start('month', 'valid_from') }} as period_start from history
)

select
    preset,
    brand_id,
    period_type,
    period_start,
    person_id,
    min_by(previous_rank, valid_from) as from_rank,
    max_by(stage_rank, valid_from) as to_rank,
    -- On some day of the period: reached inside it, or still held on its first day.
    max(stage_rank) > 0 or (min(valid_from) > period_start and min_by(previous_rank, valid_from) > 0) as was_in_stock
from period_changes as changes
where
    true
    {{ and_in_scope('changes', 'int_dirty_person_periods', ['brand_id', 'person_id', 'period_type', 'period_start']) }}
group by preset, brand_id, period_type, period_start, person_id
