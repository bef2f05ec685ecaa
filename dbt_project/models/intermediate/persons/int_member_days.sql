{#- The running sum is the count on a day. -#}
with steps as (
    select
        preset, brand_id, tier, valid_from as date_day,
        1 as members, case when is_thriving then 1 else 0 end as thriving
    from {{ ref('int_member_history') }}
    union all
    select
        preset, brand_id, tier, valid_to as date_day,
        -1 as members, case when is_thriving then -1 else 0 end as thriving
    from {{ ref('int_member_history') }}
)

select
    preset,
    brand_id,
    tier,
    date_day,
    sum(members) as members_step,
    sum(thriving) as thriving_members_step
from steps
group by preset, brand_id, tier, date_day
having sum(members) <> 0 or sum(thriving) <> 0
