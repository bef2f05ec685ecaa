{# Origin of a staged row, required of every entity, by the alias of its raw relation. #}
{% macro row_origin(alias) -%}
    {{ whole_row(alias) }} as raw_row,
        {{ alias }}._load_date,
        {{ alias }}._file,
        {{ alias }}._row
{%- endmacro %}
