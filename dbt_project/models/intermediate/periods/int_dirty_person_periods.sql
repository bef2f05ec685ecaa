-- A row of the history tells of the period that it begins in, and where the row after it comes from.
with moved as (
    {{ differences_of(
        'fct_aipl_stage_history', ['preset', 'brand_id', 'person_id', 'stage_rank', 'valid_from', 'valid_to']
    ) }}
),

days as (
    select brand_id, person_id, valid_from as changed_on from moved
    union
    select brand_id, person_id, valid_to as changed_on from moved
    where valid_to < {{ open_end() }}
    union
    select brand_id, person_id, touch_date as changed_on from {{ ref('int_dirty_person_days') }}
)

select distinct brand_id, person_id, 'week' as period_type, {{ period_start('week', 'changed_on') }} as period_start
from days
union all
select distinct brand_id, person_id, 'month' as period_type, {{ period_start('month', 'changed_on') }} as period_start
from days
