select
    deepened.preset,
    deepened.brand_id,
    deepened.period_type,
    deepened.period_start,
    periods.period_end,
    'first_touch' as attribution_rule,
    deepened.channel,
    deepened.campaign_id,
    count(*) as persons
from {{ ref('int_deepened_persons') }} as deepened
inner join {{ ref('int_periods') }} as periods
    on {{ join_on('deepened', 'periods', ['brand_id', 'period_type', 'period_start']) }}
group by
    deepened.preset, deepened.brand_id, deepened.period_type, deepened.period_start, periods.period_end,
    deepened.channel, deepened.campaign_id
