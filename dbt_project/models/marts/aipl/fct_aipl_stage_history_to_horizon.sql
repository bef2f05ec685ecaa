{{ config(materialized='view') }}

select
    history.preset,
    history.brand_id,
    history.person_id,
    history.stage,
    history.stage_rank,
    history.valid_from,
    least(history.valid_to, {{ add_days('brands.horizon', 1) }}) as valid_to
from {{ ref('fct_aipl_stage_history') }} as history
inner join {{ ref('dim_brand') }} as brands on history.brand_id = brands.brand_id
where history.valid_from <= brands.horizon
