{{ config(
    materialized='incremental',
    incremental_strategy='replace_scope',
    scope='int_dirty_person_periods',
    scope_key=['brand_id', 'person_id', 'period_type', 'period_start'],
) }}

with history as (
    select * from {{ ref('fct_aipl_stage_history') }}
    where
        true
        {{ and_since_scope('valid_from', 'int_dirty_person_periods', 'period_start') }}
),

period_changes as (
    select
        *,
        'week' as period_type,
        {{ period_start('week', 'valid_from') }} as period_start
    from history

    union all

    select
        *,
        'month' as period_type,
        {{ period_start('month', 'valid_from') }} as period_start
    from history
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
