{#
  Origin of a staged row, required of every entity, by the alias of its raw relation.
  items_of: where a raw row gives several rows of one entity (`json_items`, `column_items`), SQL of the ID of
  what the raw row is about. Its latest raw row counts, with all items that it holds and no others.
  item_number: the column with the number of the item.
#}
{% macro row_origin(alias, items_of=none, item_number='item_number') -%}
    {{ whole_row(alias) }} as raw_row,
        {%- if items_of %}
        {{ items_of }} as _document,
        {{ alias }}.{{ item_number }} as _item,
        {%- endif %}
        {{ alias }}._load_date,
        {{ alias }}._file,
        {{ alias }}._row
{%- endmacro %}

{# ID of an item in the document `whole`: its number, after the document that holds it if that is another. #}
{% macro id_of_item(whole) -%}
    case when _document = {{ whole }} then '' else _document || ':' end
            || cast(_item as {{ dbt.type_string() }})
{%- endmacro %}

{#
  Why a row is rejected that may be an item. Item 0 says that its raw row holds none: its columns are of
  nothing, so only its document matters.
#}
{% macro reason_of_item(reason) -%}
    case
            when _item is null then 'items that are not a list of JSON'
            when _document is null or _document = '' then 'no ID of what holds the items'
            when _item > 0 then {{ reason }}
        end
{%- endmacro %}
