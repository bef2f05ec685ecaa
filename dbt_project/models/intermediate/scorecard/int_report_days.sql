with dates as (
    {{ date_series(
        '(select min(period_start) from ' ~ ref('int_report_periods') ~ ')',
        '(select max(period_end) from ' ~ ref('int_report_periods') ~ ')'
    ) }}
)

select
    periods.brand_id,
    dates.date_day as day,
    periods.period_id,
    periods.period_type,
    periods.period_start,
    periods.period_end
from {{ ref('int_report_periods') }} as periods
inner join dates on dates.date_day between periods.period_start and periods.period_end
