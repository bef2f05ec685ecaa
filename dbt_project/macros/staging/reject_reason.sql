{#
  The reason for which a staged row is rejected: that of the first condition that holds, else NULL.
  conditions: list of (SQL condition, reason) or, with the column of the entity that it is about, of (SQL
  condition, reason, column). The text is `column: reason` then, which reading the row takes apart again.
#}
{% macro reject_reason(conditions) -%}
    case
    {%- for condition in conditions %}
        {%- set told = condition[2:] + condition[1:2] %}
        when {{ condition[0] }} then '{{ told | join(': ') | replace("'", "''") }}'
    {%- endfor %}
    end
{%- endmacro %}

{# Whether a text of `reject_reason` names one of these columns. #}
{% macro reason_names_column(told, columns) -%}
    {{ told }} like '%: %' and {{ dbt.split_part(told, "': '", 1) }} in ('{{ columns | join("', '") }}')
{%- endmacro %}

{# The reason in a text of `reject_reason`. #}
{% macro reason_of(told, columns) -%}
    case
            when {{ reason_names_column(told, columns) }}
                then substr({{ told }}, length({{ dbt.split_part(told, "': '", 1) }}) + 3)
            else {{ told }}
        end
{%- endmacro %}

{# The column that a text of `reject_reason` names, one of these; NULL if it names none. #}
{% macro column_of_reason(told, columns) -%}
    case when {{ reason_names_column(told, columns) }} then {{ dbt.split_part(told, "': '", 1) }} end
{%- endmacro %}

{# True for a business day more than one day after the load date, which no time zone explains. #}
{% macro is_future(business_day) -%}
    {{ business_day }} > {{ add_days('_load_date', 1) }}
{%- endmacro %}

{# True if the touch kind is in seeds/touch_kinds.csv. #}
{% macro touch_kind_is_known(touch_kind) -%}
    coalesce(
        {{ touch_kind }} in (
            select known.touch_kind from {{ ref('touch_kinds') }} as known where known.is_event
        ), false
    )
{%- endmacro %}
