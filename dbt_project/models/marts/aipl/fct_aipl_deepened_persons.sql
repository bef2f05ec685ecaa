{{ config(materialized='view') }}

select
    deepened.preset,
    deepened.brand_id,
    deepened.period_type,
    deepened.period_start,
    periods.period_end,
    deepened.person_id,
    deepened.deepened_on,
    deepened.channel,
    deepened.campaign_id
from {{ ref('int_deepened_persons') }} as deepened
inner join {{ ref('int_periods') }} as periods
    on {{ join_on('deepened', 'periods', ['brand_id', 'period_type', 'period_start']) }}
