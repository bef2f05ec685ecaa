{{ config(materialized='view') }}

select
    source_id,
    membership_id,
    brand_id,
    person_id,
    state_kind,
    tier,
    valid_from,
    valid_to
from {{ ref('int_person_states') }}
