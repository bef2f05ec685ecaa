{#
  UTC timestamp of a time that is written in a format, in the source's time zone unless it says its own. The
  formats are those of `event_time` in the sources file: `iso`, `unix_seconds`, `unix_milliseconds`, or a
  pattern such as `%d/%m/%Y %H:%M`. NULL if it does not fit.
#}
{% macro utc_from_text(written, source_id, format) -%}
    {%- if format == 'iso' -%}
        {{ return(utc_from_local(written, source_id)) }}
    {%- elif format == 'unix_seconds' -%}
        {{ return(utc_from_unix(written)) }}
    {%- elif format == 'unix_milliseconds' -%}
        {{ return(adapter.dispatch('utc_from_milliseconds')(written)) }}
    {%- else -%}
        {{ return(utc_from_local(time_of_pattern(written, format), source_id)) }}
    {%- endif -%}
{%- endmacro %}

{# Date that is written in such a format; NULL if it does not fit. #}
{% macro day_from_text(written, format) -%}
    {%- if format == 'iso' -%}
        {{ return(safe_cast('trim(' ~ written ~ ')', 'date')) }}
    {%- else -%}
        {{ return('cast(' ~ time_of_pattern(written, format) ~ ' as date)') }}
    {%- endif -%}
{%- endmacro %}

{% macro time_of_pattern(written, pattern) -%}
    {{ return(adapter.dispatch('time_of_pattern')(written, pattern)) }}
{%- endmacro %}

{% macro duckdb__time_of_pattern(written, pattern) -%}
    try_strptime(trim(cast({{ written }} as varchar)), '{{ pattern | replace("'", "''") }}')
{%- endmacro %}

{% macro duckdb__utc_from_milliseconds(milliseconds) -%}
    {%- set number = try_cast(milliseconds, 'bigint') -%}
    case
        when {{ number }} between -62135596800000 and 253402300799999 then make_timestamp({{ number }} * 1000)
    end
{%- endmacro %}
