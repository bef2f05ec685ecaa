{#
  Business day, in the brand's zone, of a UTC timestamp of any source: columns `source_id` and `brand_id` of
  the row decide. Without a configured source there is no row to decide about.
#}
{% macro brand_business_date(utc_time, source_id='source_id', brand_id='brand_id') -%}
    {%- set sources = configured_sources().keys() | list -%}
    {%- if sources -%}
    case {{ source_id }}
        {%- for source in sources %}
        when '{{ source }}' then {{ business_date(utc_time, source, brand_id) }}
        {%- endfor %}
    end
    {%- else -%}
    cast({{ utc_time }} as date)
    {%- endif -%}
{%- endmacro %}
