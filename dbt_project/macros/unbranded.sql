{# Bucket for a source's rows without a brand; `source_id` is an SQL expression. #}
{% macro unbranded(source_id='source_id') -%}
    {{ source_id }} || '_unbranded'
{%- endmacro %}

{# In staging: the brand of a row, else the bucket of its source. #}
{% macro brand_or_unbranded(brand, source_id) -%}
    coalesce({{ brand }}, '{{ source_id }}_unbranded')
{%- endmacro %}
