with periods as (
    select * from {{ ref('int_report_periods') }}
),

bases as (
    -- The period that ends the day before this one begins.
    select
        brand_id,
        period_id,
        'previous' as kind,
        period_type as base_type,
        case period_type
            when 'four_weeks' then {{ add_days('period_start', -28) }}
            {%- for type in report_period_types() %}
            when '{{ type }}' then {{ period_start(type, add_days('period_start', -1)) }}
            {%- endfor %}
        end as base_start
    from periods

    union all

    -- Days of the same weekday; longer periods by the calendar.
    select
        brand_id,
        period_id,
        'year_ago' as kind,
        period_type as base_type,
        case
            when period_type in ('day', 'week') then {{ add_days('period_start', -364) }}
            {%- for type in ['month', 'quarter', 'year'] %}
            when period_type = '{{ type }}' then {{ period_start(type, add_days('period_start', -365)) }}
            {%- endfor %}
        end as base_start
    from periods

    union all

    select brand_id, period_id, 'week_ago' as kind, period_type, {{ add_days('period_start', -7) }}
    from periods
    where period_type = 'day'
)

select bases.brand_id, bases.kind, bases.period_id, periods.period_id as base_period_id
from bases
inner join periods
    on
        bases.brand_id = periods.brand_id
        and bases.base_type = periods.period_type
        and bases.base_start = periods.period_start
where periods.campaign_id is null

union all

select
    periods.brand_id,
    case periods.period_type when 'campaign' then 'baseline' else 'after' end as kind,
    periods.period_id,
    baselines.period_id as base_period_id
from periods
inner join periods as baselines on {{ join_on('periods', 'baselines', ['brand_id', 'campaign_id']) }}
where periods.period_type in ('campaign', 'after') and baselines.period_type = 'baseline'
