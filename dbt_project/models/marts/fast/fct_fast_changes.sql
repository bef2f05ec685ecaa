{#- Each metric with its numerator and, for a ratio, its denominator. -#}
{%- set metrics = {
    'fertility_union': ('fertility_union', none),
    'fertility_end': ('fertility_end', none),
    'advancing_rate': ('deepened', 'start_stock'),
    'advancing_rate_eligible': ('deepened', 'start_stock_eligible'),
    'superiority_members': ('superiority_members', none),
    'thriving_rate': ('thriving_members', 'members'),
    'thriving_rate_superior': ('thriving_superior_members', 'superiority_members'),
} -%}
with metrics as (
{%- for metric, (numerator, denominator) in metrics.items() %}
    select
        preset,
        brand_id,
        period_type,
        period_start,
        period_end,
        '{{ metric }}' as metric,
        {{ numerator }} as numerator,
        cast({{ denominator or 'null' }} as bigint) as denominator,
        cast({{ metric }} as double) as value
    from {{ ref('fct_fast') }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

-- 364 days earlier, a week has the same weekdays; a month is compared with the same month.
compared as (
    select
        *,
        case period_type
            when 'week' then {{ add_days('period_start', -7) }}
            else {{ period_start('month', add_days('period_start', -1)) }}
        end as previous_start,
        case period_type
            when 'week' then {{ add_days('period_start', -364) }}
            else cast({{ dbt.dateadd('year', -1, 'period_start') }} as date)
        end as last_year_start
    from metrics
)

select
    compared.preset,
    compared.brand_id,
    compared.period_type,
    compared.period_start,
    compared.period_end,
    compared.metric,
    compared.numerator,
    compared.denominator,
    compared.value,
    previous.value as previous_value,
    {{ safe_divide('(compared.value - previous.value)', 'previous.value') }} as change_on_previous,
    last_year.value as last_year_value,
    {{ safe_divide('(compared.value - last_year.value)', 'last_year.value') }} as change_on_last_year
from compared
left join metrics as previous
    on
        {{ join_on('compared', 'previous', ['preset', 'brand_id', 'period_type', 'metric']) }}
        and compared.previous_start = previous.period_start
left join metrics as last_year
    on
        {{ join_on('compared', 'last_year', ['preset', 'brand_id', 'period_type', 'metric']) }}
        and compared.last_year_start = last_year.period_start
