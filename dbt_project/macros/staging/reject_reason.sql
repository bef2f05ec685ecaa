{#
  The reason for which a staged row is rejected: that of the first condition that holds, else NULL.
  conditions: list of (SQL condition, reason).
#}
{% macro reject_reason(conditions) -%}
    case
    {%- for condition, reason in conditions %}
        when {{ condition }} then '{{ reason | replace("'", "''") }}'
    {%- endfor %}
    end
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
