{# Cast that gives NULL where the value does not fit. #}
{% macro safe_cast(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{# Ratio as a double; NULL where the denominator is zero or NULL, never infinite. #}
{% macro safe_divide(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}

{# The date a whole number of days later. #}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days')(date, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{# The first day of the week (Monday) or month that a date lies in. #}
{% macro period_start(period_type, date) -%}
    cast(date_trunc('{{ period_type }}', {{ date }}) as date)
{%- endmacro %}

{# The last day of the week or month that begins on a date. #}
{% macro period_end(period_type, first_day) -%}
    {%- set days = {'week': 7, 'month': 31}[period_type] -%}
    {{ add_days(period_start(period_type, add_days(first_day, days)), -1) }}
{%- endmacro %}

{# The date without an end: an open `valid_to`. #}
{% macro open_end() -%}
    cast('9999-12-31' as date)
{%- endmacro %}

{# One row a day, column `date_day`, from the first to the last date, both included. #}
{% macro date_series(first_date, last_date) -%}
    {{ return(adapter.dispatch('date_series')(first_date, last_date)) }}
{%- endmacro %}

{% macro duckdb__date_series(first_date, last_date) -%}
    select cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date) as date_day
{%- endmacro %}

{% macro spark__date_series(first_date, last_date) -%}
    select explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) as date_day
{%- endmacro %}

{# A whole row of a relation as one value, which costs nothing until it is asked for as JSON. #}
{% macro whole_row(alias) -%}
    {{ return(adapter.dispatch('whole_row')(alias)) }}
{%- endmacro %}

{% macro duckdb__whole_row(alias) -%}
    {{ alias }}
{%- endmacro %}

{% macro spark__whole_row(alias) -%}
    struct({{ alias }}.*)
{%- endmacro %}

{# Such a value as JSON text. #}
{% macro as_json(row) -%}
    {{ return(adapter.dispatch('as_json')(row)) }}
{%- endmacro %}

{% macro duckdb__as_json(row) -%}
    cast(to_json({{ row }}) as varchar)
{%- endmacro %}

{% macro spark__as_json(row) -%}
    to_json({{ row }})
{%- endmacro %}

{# The first values of a text over rows, in order, as a list; no more than these are held in memory. #}
{% macro first_of(text, number) -%}
    {{ return(adapter.dispatch('first_of')(text, number)) }}
{%- endmacro %}

{% macro duckdb__first_of(text, number) -%}
    min({{ text }}, {{ number }})
{%- endmacro %}

{% macro spark__first_of(text, number) -%}
    slice(array_sort(collect_list({{ text }})), 1, {{ number }})
{%- endmacro %}

{# Whole number that equal values of some columns share, and others hardly ever. #}
{% macro hash_of(columns) -%}
    {{ return(adapter.dispatch('hash_of')(columns)) }}
{%- endmacro %}

{% macro duckdb__hash_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__hash_of(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

{#
  Condition: the values of some columns may stand in more than `times` rows of a relation. Numbers are counted
  several times as fast as texts, and in less memory; two keys with one hash are in, so whoever asks counts
  exactly what is left.
#}
{% macro may_repeat(relation, columns, times=1) -%}
    {{ hash_of(columns) }} in (
        select {{ hash_of(columns) }} from {{ relation }}
        group by {{ hash_of(columns) }}
        having count(*) > {{ times }}
    )
{%- endmacro %}
