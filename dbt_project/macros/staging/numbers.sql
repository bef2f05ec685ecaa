{% macro is_number(type) -%}
    {{ return(type.split('(')[0] in ['decimal', 'numeric', 'double', 'float', 'integer', 'bigint']) }}
{%- endmacro %}

{# Declared decimal mark of the raw tables that a staging model (a node) reads; none if they declare none. #}
{% macro decimal_mark(staging) -%}
    {%- set marks = [] -%}
    {%- for source_id, table in staging.sources or [] -%}
        {%- do marks.append((source_setting(source_id, 'decimal_marks') or {}).get(table)) -%}
    {%- endfor -%}
    {%- if marks | unique | list | length > 1 -%}
        {{ exceptions.raise_compiler_error(
            staging.name ~ ' reads tables of different decimal marks: give each a model of its own'
        ) }}
    {%- endif -%}
    {{ return(marks[0] if marks else none) }}
{%- endmacro %}

{# The same of a staging model by its relation. #}
{% macro decimal_mark_of(relation) -%}
    {%- if execute -%}
    {%- for node in graph.nodes.values() if node.name == relation.identifier -%}
        {{ return(decimal_mark(node)) }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
  A number with this decimal mark, and thousands in threes apart, as a cast reads it; NULL for any other text,
  so that `12,50` is never 1250. What is a number already keeps its value.
#}
{% macro plain_number(value, mark) -%}
    {{ return(adapter.dispatch('plain_number')(value, mark)) }}
{%- endmacro %}

{% macro duckdb__plain_number(value, mark) -%}
    {%- set text = 'trim(cast(' ~ value ~ ' as varchar))' -%}
    {%- set apart = "[ \\x{a0}\\x{202f}\\x{2019}''" ~ ('.' if mark == ',' else ',') ~ ']' -%}
    {%- set written = '[+-]?([0-9]+|[0-9]{1,3}(' ~ apart ~ '[0-9]{3})+)([' ~ mark ~ '][0-9]*)?' -%}
    case
        when typeof({{ value }}) <> 'VARCHAR' then {{ text }}
        when regexp_full_match({{ text }}, '{{ written }}')
            then replace(regexp_replace({{ text }}, '{{ apart }}', '', 'g'), ',', '.')
    end
{%- endmacro %}
