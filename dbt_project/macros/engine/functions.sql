{#
  Cast that returns NULL if the value does not fit. A staging model reads numbers with the decimal mark of its
  tables. A decimal comes `wide`: the sum or product of two that fit may not fit itself, and would stop the
  build.
#}
{% macro safe_cast(expression, type, wide=true) -%}
    {%- set mark = decimal_mark(model) if is_number(type) -%}
    {%- set value = plain_number(expression, mark) if mark else expression -%}
    {%- set fitting = try_cast(value, type) -%}
    {%- if wide and type.startswith('decimal(18') -%}
        cast({{ fitting }} as {{ type | replace('(18', '(38') }})
    {%- else -%}
        {{ fitting }}
    {%- endif -%}
{%- endmacro %}

{# The same without a decimal mark: how an engine reads a text or another value as a type. #}
{% macro try_cast(value, type) -%}
    {{ return(adapter.dispatch('try_cast')(value, type)) }}
{%- endmacro %}

{#- A whole number is one as it is written: as a cast `4.6` is 5 here and 4 elsewhere. -#}
{% macro duckdb__try_cast(value, type) -%}
    {%- if type in ['integer', 'bigint'] -%}
        case
            when regexp_full_match(cast({{ value }} as varchar), '{{ whole_number_pattern() }}')
                then try_cast({{ value }} as {{ type }})
        end
    {%- else -%}
        try_cast({{ value }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{% macro whole_number_pattern() -%}
    \s*[+-]?[0-9]+([.]0*)?\s*
{%- endmacro %}

{# A text as SQL writes it. #}
{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal')(text)) }}
{%- endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{# Ratio as a double; NULL if the denominator is 0 or NULL. #}
{% macro safe_divide(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}

{# A double as a decimal: half of the last digit goes away from zero, by the double itself and not by its text. #}
{% macro decimal_of_double(value, precision, scale) -%}
    {{ return(adapter.dispatch('decimal_of_double')(value, precision, scale)) }}
{%- endmacro %}

{% macro duckdb__decimal_of_double(value, precision, scale) -%}
    cast({{ value }} as decimal({{ precision }}, {{ scale }}))
{%- endmacro %}

{# The same of a double that stays one. #}
{% macro round_double(value, digits) -%}
    {{ return(adapter.dispatch('round_double')(value, digits)) }}
{%- endmacro %}

{% macro duckdb__round_double(value, digits) -%}
    round({{ value }}, {{ digits }})
{%- endmacro %}

{# Date plus a whole number of days. #}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days')(date, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{# Whole seconds from one timestamp to a later one. #}
{% macro seconds_between(from_time, to_time) -%}
    {{ return(adapter.dispatch('seconds_between')(from_time, to_time)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(from_time, to_time) -%}
    date_sub('second', {{ from_time }}, {{ to_time }})
{%- endmacro %}

{# Window function: the first value of the frame that is known. #}
{% macro first_known(value) -%}
    {{ return(adapter.dispatch('known_at_end')('first_value', value)) }}
{%- endmacro %}

{# Window function: the last value of the frame that is known. #}
{% macro last_known(value) -%}
    {{ return(adapter.dispatch('known_at_end')('last_value', value)) }}
{%- endmacro %}

{% macro duckdb__known_at_end(function, value) -%}
    {{ function }}({{ value }} ignore nulls)
{%- endmacro %}

{# First day of the day, week (Monday), month, quarter or year of a date. #}
{% macro period_start(period_type, date) -%}
    cast(date_trunc('{{ period_type }}', {{ date }}) as date)
{%- endmacro %}

{# Last day of the period that starts on a date. #}
{% macro period_end(period_type, first_day) -%}
    {%- set days = {'day': 1, 'week': 7, 'month': 31, 'quarter': 92, 'year': 366}[period_type] -%}
    {{ add_days(period_start(period_type, add_days(first_day, days)), -1) }}
{%- endmacro %}

{# Day of the week of a date, 1 (Monday) to 7. #}
{% macro iso_weekday(date) -%}
    {{ return(adapter.dispatch('iso_weekday')(date)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(date) -%}
    extract(isodow from {{ date }})
{%- endmacro %}

{# An open `valid_to`. #}
{% macro open_end() -%}
    cast('9999-12-31' as date)
{%- endmacro %}

{# One row per day (`date_day`) from the first to the last date, inclusive. #}
{% macro date_series(first_date, last_date) -%}
    {{ return(adapter.dispatch('date_series')(first_date, last_date)) }}
{%- endmacro %}

{% macro duckdb__date_series(first_date, last_date) -%}
    select
        cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date) as date_day
{%- endmacro %}

{# A whole row as one value, which costs nothing until converted to JSON. #}
{% macro whole_row(alias) -%}
    {{ return(adapter.dispatch('whole_row')(alias)) }}
{%- endmacro %}

{% macro duckdb__whole_row(alias) -%}
    {{ alias }}
{%- endmacro %}

{# No such value, where no raw row tells of a row by itself. #}
{% macro no_row() -%}
    {{ return(adapter.dispatch('no_row')()) }}
{%- endmacro %}

{% macro duckdb__no_row() -%}
    cast(null as varchar)
{%- endmacro %}

{# Such a value as JSON text. #}
{% macro as_json(row) -%}
    {{ return(adapter.dispatch('as_json')(row)) }}
{%- endmacro %}

{% macro duckdb__as_json(row) -%}
    cast(to_json({{ row }}) as varchar)
{%- endmacro %}

{# The first values of a text in order, as a list; only these are held in memory. #}
{% macro first_of(text, number) -%}
    {{ return(adapter.dispatch('first_of')(text, number)) }}
{%- endmacro %}

{% macro duckdb__first_of(text, number) -%}
    min({{ text }}, {{ number }})
{%- endmacro %}

{# Hash of some columns as a whole number. #}
{% macro hash_of(columns) -%}
    {{ return(adapter.dispatch('hash_of')(columns)) }}
{%- endmacro %}

{% macro duckdb__hash_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{#
  Condition: the values of some columns may occur in more than `times` rows. Counting hashes is several times
  as fast as counting texts and takes less memory; hash collisions are included, so the caller must count
  exactly.
#}
{% macro may_repeat(relation, columns, times=1) -%}
    {{ hash_of(columns) }} in (
        select {{ hash_of(columns) }} from {{ relation }}
        group by {{ hash_of(columns) }}
        having count(*) > {{ times }}
    )
{%- endmacro %}

{# Some columns as one value, which is ordered by the first, then the second ... #}
{% macro row_of(columns) -%}
    {{ return(adapter.dispatch('row_of')(columns)) }}
{%- endmacro %}

{% macro duckdb__row_of(columns) -%}
    row({{ columns | join(', ') }})
{%- endmacro %}

{#
  In a select list: the row once for each of some structs, whose fields become columns.
  `structs` is a list of mappings of a column to an expression, all with the same columns and types.
#}
{% macro stacked(structs) -%}
    {{ return(adapter.dispatch('stacked')(structs)) }}
{%- endmacro %}

{% macro duckdb__stacked(structs) -%}
    unnest([
        {%- for struct in structs %}
        {
            {%- for column, expression in struct.items() -%}
            '{{ column }}': {{ expression }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)
{%- endmacro %}

{#
  Rows that are reached: those of `start`, and those that `step` makes of rows `reached`, until it makes no new one.
  given: `{name: select}`, relations that both read; columns: of the rows, in order
  Needs columns that take finitely many values. Step and start may not hold `with`.
#}
{% macro fix_point(columns, given, start, step) -%}
    {{ return(adapter.dispatch('fix_point')(columns, given, start, step)) }}
{%- endmacro %}

{% macro duckdb__fix_point(columns, given, start, step) -%}
    with recursive
    {%- for name, select in given.items() %}
    {{ name }} as (
        {{ select }}
    ),
    {% endfor %}
    reached ({{ columns | join(', ') }}) as (
        {{ start }}
        union
        {{ step }}
    )

    select {{ columns | join(', ') }} from reached
{%- endmacro %}
