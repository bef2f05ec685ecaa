{#
  Part of a factor in the change of a product of three: its Shapley value. `_0` and `_1` are the two sides.
#}
{% macro part_of_change(factor, other, another) -%}
    ({{ factor }}_1 - {{ factor }}_0) * (
        2 * {{ other }}_0 * {{ another }}_0
        + 2 * {{ other }}_1 * {{ another }}_1
        + {{ other }}_0 * {{ another }}_1
        + {{ other }}_1 * {{ another }}_0
    ) / 6
{%- endmacro %}
