with source as (
    select * from {{ source('manual', 'campaigns') }}
)

select
    campaign_id,
    trim(brand_id) as brand_id,
    campaign_name,
    campaign_kind,
    starts_on,
    ends_on,
    warm_up_from,
    baseline_from,
    baseline_to,
    goal_metric,
    goal_value,
    budget,
    planned_reach,
    cast(_load_date as timestamp) as updated_at,
    {{ row_origin('source') }},
    {{ reject_reason([
        ("coalesce(trim(brand_id), '') = ''", 'no brand', 'brand_id'),
    ]) }} as reject_reason
from source
