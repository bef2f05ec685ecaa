{{ config(materialized='view') }}

select
    brand_id,
    person_id,
    state_kind,
    coalesce(tier, 0) as tier,
    joined_on as valid_from,
    coalesce(left_on, {{ open_end() }}) as valid_to
from {{ ref('int_memberships') }}
where is_current and person_id is not null and joined_on < coalesce(left_on, {{ open_end() }})
