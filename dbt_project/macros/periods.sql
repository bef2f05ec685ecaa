{# Period types of the marts. #}
{% macro period_types() -%}
    {{ return(['week', 'month']) }}
{%- endmacro %}

{# Last day of a period. #}
{% macro last_day_of_period(period_type='period_type', period_start='period_start') -%}
    case {{ period_type }}
        {%- for type in period_types() %}
        when '{{ type }}' then {{ period_end(type, period_start) }}
        {%- endfor %}
    end
{%- endmacro %}

{# Rows of a relation once per period type, with the `period_start` of a date. #}
{% macro with_periods(relation, date) -%}
    {%- for type in period_types() %}
    select *, '{{ type }}' as period_type, {{ period_start(type, date) }} as period_start from {{ relation }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# One row per day (`date_day`) of the years covered by the marts. #}
{% macro calendar() -%}
    {%- set bounds -%}
        from {{ ref('int_stage_history') }} as history
        inner join {{ ref('int_brands') }} as brands on history.brand_id = brands.brand_id
    {%- endset -%}
    {%- set next_year = period_start('year', add_days(period_start('year', 'max(horizon)'), 366)) -%}
    {{ date_series(
        '(select ' ~ period_start('year', 'min(valid_from)') ~ ' ' ~ bounds ~ ')',
        '(select ' ~ add_days(next_year, -1) ~ ' ' ~ bounds ~ ')'
    ) }}
{%- endmacro %}
