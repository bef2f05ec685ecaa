{# Where a staged row comes from, by the alias of its raw relation: columns that every entity needs. #}
{% macro row_origin(alias) -%}
    {{ whole_row(alias) }} as raw_row,
        {{ alias }}._load_date,
        {{ alias }}._file,
        {{ alias }}._row
{%- endmacro %}
