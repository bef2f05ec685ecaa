{{ config(materialized='view') }}

select
    brand_id,
    period_id,
    period_type,
    period_start,
    period_end,
    slice,
    member,
    submember,
    currency,
    {{ measured_columns() }}
from {{ ref('fct_scorecard') }}
