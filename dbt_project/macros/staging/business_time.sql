{#
  UTC timestamp of a time in the source's time zone (text or timestamp); NULL if it does not parse or is
  outside the years 1 to 9999. A time that names its own offset (`...Z`, `...+08:00`) is read with that. A
  repeated hour is read as the later one; a skipped time as if clocks had not moved yet.
#}
{% macro utc_from_local(local_time, source_id) -%}
    {{ return(utc_from_zone(local_time, source_setting(source_id, 'timezone') or 'UTC')) }}
{%- endmacro %}

{% macro utc_from_zone(local_time, zone) -%}
    {{ return(adapter.dispatch('utc_from_zone')(local_time, zone)) }}
{%- endmacro %}

{% macro duckdb__utc_from_zone(local_time, zone) -%}
    {%- set text = 'trim(cast(' ~ local_time ~ ' as varchar))' -%}
    {%- set local = 'try_cast(' ~ text ~ ' as timestamp)' -%}
    {%- set absolute = 'try_cast(' ~ offset_as_sql(text) ~ ' as timestamptz)' -%}
    case
        when regexp_matches({{ text }}, '(?i):[0-9.]+ *(z|utc|gmt|[+-][0-9:]+)$') then
            case
                -- No zone is more than 14 hours from UTC.
                when
                    not regexp_matches({{ text }}, '[+-](1[5-9]|[2-9][0-9])[0-9:]*$')
                    and {{ absolute }} between
                    timestamptz '0001-01-02 00:00:00+00' and timestamptz '9999-12-31 23:59:59.999999+00'
                    then make_timestamp(epoch_us({{ absolute }}))
            end
        when {{ local }} between timestamp '0001-01-02 00:00:00' and timestamp '9999-12-31 23:59:59.999999'
            then
            {%- if zone == 'UTC' %} {{ local }}
            {%- else %} make_timestamp(epoch_us(timezone('{{ zone }}', {{ local }})))
            {%- endif %}
    end
{%- endmacro %}

{# A time with an offset in the one spelling that a cast reads, which `Z` and ` +08:00` are not. #}
{% macro offset_as_sql(text) -%}
    {%- set numeric = "regexp_replace(" ~ text ~ ", '(?i) *(z|utc|gmt)$', '+00')" -%}
    regexp_replace(
        regexp_replace({{ numeric }}, ' +([+-])', '\1'), '([ Tt][0-9]+:[0-9]+)([+-])', '\1:00\2'
    )
{%- endmacro %}

{# UTC timestamp of Unix seconds as text; NULL if not a whole number or outside the years 1 to 9999. #}
{% macro utc_from_unix(seconds) -%}
    {{ return(adapter.dispatch('utc_from_unix')(seconds)) }}
{%- endmacro %}

{% macro duckdb__utc_from_unix(seconds) -%}
    {%- set number = try_cast(seconds, 'bigint') -%}
    case when {{ number }} between -62135596800 and 253402300799 then make_timestamp({{ number }} * 1000000) end
{%- endmacro %}

{# Date from eight digits, year first; NULL if invalid. #}
{% macro day_from_digits(digits) -%}
    {{ safe_cast(
        "substr(" ~ digits ~ ", 1, 4) || '-' || substr(" ~ digits ~ ", 5, 2)"
        ~ " || '-' || substr(" ~ digits ~ ", 7)",
        'date'
    ) }}
{%- endmacro %}

{#
  Business day of a UTC timestamp in the brand's time zone. Zones are constants in the SQL, one branch per
  brand with its own, because reading a zone from a column costs far more per row.
#}
{% macro business_date(utc_time, source_id, brand_id=none) -%}
    {{ return(by_zone_of_brand(date_in_zone, utc_time, source_id, brand_id)) }}
{%- endmacro %}

{# `convert`, a macro of a value and a zone, with the time zone of the brand, else of the source. #}
{% macro by_zone_of_brand(convert, value, source_id, brand_id=none) -%}
    {%- set zone = source_setting(source_id, 'timezone') or 'UTC' -%}
    {%- set own = [] -%}
    {%- for id, brand in (source_setting(source_id, 'brands') or {}).items() -%}
        {%- if brand_id and brand.timezone and brand.timezone != zone -%}
            {%- do own.append((id, brand.timezone)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if own -%}
        case {{ brand_id }}
        {% for id, brand_zone in own %} when '{{ id }}' then {{ convert(value, brand_zone) }}
        {% endfor %} else {{ convert(value, zone) }} end
    {%- else -%}
        {{ convert(value, zone) }}
    {%- endif -%}
{%- endmacro %}

{% macro date_in_zone(utc_time, zone) -%}
    {{ return(adapter.dispatch('date_in_zone')(utc_time, zone)) }}
{%- endmacro %}

{% macro duckdb__date_in_zone(utc_time, zone) -%}
    {%- if zone == 'UTC' -%}
        cast({{ utc_time }} as date)
    {%- else -%}
        cast(timezone('{{ zone }}', make_timestamptz(epoch_us({{ utc_time }}))) as date)
    {%- endif -%}
{%- endmacro %}

{# Hour of the day in a zone, `00` to `23`, of a UTC timestamp. #}
{% macro hour_in_zone(utc_time, zone) -%}
    {{ return(adapter.dispatch('hour_in_zone')(utc_time, zone)) }}
{%- endmacro %}

{% macro duckdb__hour_in_zone(utc_time, zone) -%}
    {%- if zone == 'UTC' -%}
        strftime({{ utc_time }}, '%H')
    {%- else -%}
        strftime(timezone('{{ zone }}', make_timestamptz(epoch_us({{ utc_time }}))), '%H')
    {%- endif -%}
{%- endmacro %}
