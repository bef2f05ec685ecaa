select
    preset,
    refund_policy = 'net_hindsight' as looks_ahead,
    min(case when kind = 'touch' and touch_kind = 'paid_order' then stage_rank end) as customer_rank
from {{ ref('dim_aipl_rule') }}
group by preset, refund_policy
