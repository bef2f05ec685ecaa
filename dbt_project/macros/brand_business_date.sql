{# Business day of a UTC timestamp in the time zone of the row's brand. #}
{% macro brand_business_date(utc_time, source_id='source_id', brand_id='brand_id') -%}
    {{ return(by_zone_of_row(date_in_zone, utc_time, source_id, brand_id)) }}
{%- endmacro %}

{# Hour of that day, `00` to `23`. #}
{% macro brand_business_hour(utc_time, source_id='source_id', brand_id='brand_id') -%}
    {{ return(by_zone_of_row(hour_in_zone, utc_time, source_id, brand_id)) }}
{%- endmacro %}

{# UTC timestamp of the end of a business day in the brand's time zone. #}
{% macro end_of_business_day(day, source_id='source_id', brand_id='brand_id') -%}
    {{ return(by_zone_of_row(utc_from_zone, add_days(day, 1), source_id, brand_id)) }}
{%- endmacro %}

{#
  `convert`, a macro of a value and a zone, with the time zone of the row's brand. Without sources there are
  no rows.
#}
{% macro by_zone_of_row(convert, value, source_id, brand_id) -%}
    {%- set sources = configured_sources().keys() | list -%}
    {%- if sources -%}
    case {{ source_id }}
        {%- for source in sources %}
        when '{{ source }}' then {{ by_zone_of_brand(convert, value, source, brand_id) }}
        {%- endfor %}
    end
    {%- else -%}
    {{ convert(value, 'UTC') }}
    {%- endif -%}
{%- endmacro %}
