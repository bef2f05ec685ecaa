{# Where a staged row comes from: the columns that the entities need of every row, of the raw relation of this alias. #}
{% macro row_origin(alias) -%}
    {{ whole_row(alias) }} as raw_row,
        {{ alias }}._load_date,
        {{ alias }}._file,
        {{ alias }}._row
{%- endmacro %}
