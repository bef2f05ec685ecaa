with source as (
    select * from {{ source('sample_shop', 'campaigns') }}
)

select
    campaign_id,
    {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
    name as campaign_name,
    kind as campaign_kind,
    warm_up_from,
    starts_on,
    ends_on,
    baseline_from,
    baseline_to,
    goal_metric,
    goal_value,
    budget,
    planned_reach,
    {{ row_origin('source') }},
    cast(null as {{ dbt.type_string() }}) as reject_reason
from source
