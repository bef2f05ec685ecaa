select
    comparisons.brand_id,
    comparisons.kind as comparison_kind,
    comparisons.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end,
    periods.campaign_id,
    comparisons.base_period_id,
    bases.period_start as base_start,
    bases.period_end as base_end,
    bases.is_contaminated
from {{ ref('int_comparisons') }} as comparisons
inner join {{ ref('int_report_periods') }} as periods
    on {{ join_on('comparisons', 'periods', ['brand_id', 'period_id']) }}
inner join {{ ref('int_report_periods') }} as bases
    on comparisons.brand_id = bases.brand_id and comparisons.base_period_id = bases.period_id
