{# Text at a path of a JSON value; NULL if the value is not JSON, lacks the path or has `null` there. #}
{% macro json_text(value, path='$') -%}
    {{ return(adapter.dispatch('json_text')(value, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(value, path) -%}
    json_extract_string(try_cast({{ value }} as json), '{{ path | replace("'", "''") }}')
{%- endmacro %}

{# Condition: a value that should be JSON is neither JSON nor empty. #}
{% macro is_broken_json(value) -%}
    {{ return(adapter.dispatch('is_broken_json')(value)) }}
{%- endmacro %}

{% macro duckdb__is_broken_json(value) -%}
    coalesce(trim(cast({{ value }} as varchar)) <> '' and try_cast({{ value }} as json) is null, false)
{%- endmacro %}

{#
  Rows of a relation, once per item of a JSON list (or a single object): its columns, `item` as JSON text and
  `item_number` from 1. An empty list is one row with number 0, a list that cannot be read one with number
  NULL; `row_origin` tells what follows from these. A row that has nothing at the path has no items to tell,
  unless `missing_is_empty`.
  name: of the columns, if the relation has an `item` of its own.
#}
{% macro json_items(relation, column, path='$', missing_is_empty=false, name='item') -%}
    {{ return(adapter.dispatch('json_items')(relation, column, path, missing_is_empty, name)) }}
{%- endmacro %}

{% macro duckdb__json_items(relation, column, path, missing_is_empty, name) -%}
    select
        listed.* exclude (list_, is_told, is_broken),
        cast(unnest(list_) as varchar) as {{ name }},
        unnest(
            case
                when is_broken or (is_told and list_ is null) then [cast(null as bigint)]
                when len(list_) > 0 then range(1, len(list_) + 1)
                when is_told or {{ missing_is_empty | lower }} then [0]
                else []
            end
        ) as {{ name }}_number
    from (
        select
            told.* exclude (text_),
            coalesce(trim(text_) <> '', false) as is_told,
            case json_type(try_cast(text_ as json))
                when 'ARRAY' then cast(cast(text_ as json) as json[])
                when 'OBJECT' then [cast(text_ as json)]
            end as list_
        from (
            select
                *,
                {{ is_broken_json(column) }} as is_broken,
                {{ json_text(column, path) }} as text_
            from {{ relation }}
        ) as told
    ) as listed
{%- endmacro %}

{#
  Rows of a relation, once per item that it holds in numbered columns: its columns, those of the item and
  `item_number` from 1. Items without any value but 0 are left out; a row without items is one with number 0.
  columns: `{column of the item: [SQL of the first item, of the second, ...]}`, as long for each column.
#}
{% macro column_items(relation, columns, name='item') -%}
    {%- set count = columns.values() | map('length') | max -%}
    {%- set held = [] -%}
    {%- for number in range(count) -%}
        {%- set values = [] -%}
        {%- for column, sources in columns.items() if number < sources | length -%}
            {%- set text = 'trim(cast(' ~ sources[number] ~ ' as ' ~ dbt.type_string() ~ '))' -%}
            {%- do values.append(
                text ~ " <> '' and coalesce(" ~ safe_cast(text, 'decimal(18, 4)') ~ ' <> 0, true)'
            ) -%}
        {%- endfor -%}
        {%- do held.append('coalesce(' ~ values | join(' or ') ~ ', false)') -%}
    {%- endfor -%}
    select
        {{ relation }}.*,
        {%- for column, sources in columns.items() %}
        case numbers.{{ name }}_number
            {%- for source in sources %}
            when {{ loop.index }} then {{ source }}
            {%- endfor %}
        end as {{ column }},
        {%- endfor %}
        numbers.{{ name }}_number
    from {{ relation }}
    cross join (
        {%- for number in range(count + 1) %}
        select {{ number }} as {{ name }}_number{{ ' union all' if not loop.last }}
        {%- endfor %}
    ) as numbers
    where
        case numbers.{{ name }}_number
            {%- for condition in held %}
            when {{ loop.index }} then {{ condition }}
            {%- endfor %}
            else not ({{ held | join(' or ') }})
        end
{%- endmacro %}
