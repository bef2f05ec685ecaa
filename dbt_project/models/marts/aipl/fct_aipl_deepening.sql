select
    preset,
    brand_id,
    period_type,
    period_start,
    period_end,
    'first_touch' as attribution_rule,
    channel,
    campaign_id,
    count(*) as persons
from {{ ref('fct_aipl_deepened_persons') }}
group by preset, brand_id, period_type, period_start, period_end, channel, campaign_id
