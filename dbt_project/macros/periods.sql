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
        from {{ ref('int_brands') }} as brands
        left join {{ ref('int_stage_history') }} as history on brands.brand_id = history.brand_id
    {%- endset -%}
    {%- set first_day = 'least(min(history.valid_from), min(brands.first_day))' -%}
    {%- set next_year = period_start('year', add_days(period_start('year', 'max(brands.horizon)'), 366)) -%}
    {{ date_series(
        '(select ' ~ period_start('year', first_day) ~ ' ' ~ bounds ~ ')',
        '(select ' ~ add_days(next_year, -1) ~ ' ' ~ bounds ~ ')'
    ) }}
{%- endmacro %}

{# Scope of `int_horizons`: every brand of this build or the last one. #}
{% macro every_brand() -%}
    select brand_id from {{ ref('int_brands') }}
    union
    select brand_id from {{ this }}
{%- endmacro %}
