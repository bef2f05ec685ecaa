{#
  Part of an amount between two cumulative shares (0 to 1), in cents. Parts add up exactly: neighbours share a
  rounded border, and the last border is the amount itself.
#}
{% macro split_amount(amount, share_from, share_to) -%}
    cast({{ amount_up_to(amount, share_to) }} - {{ amount_up_to(amount, share_from) }} as decimal(18, 4))
{%- endmacro %}

{% macro amount_up_to(amount, share) -%}
    case
        when {{ share }} = 1 then {{ amount }}
        else cast(round({{ amount }} * {{ share }}, 2) as decimal(18, 4))
    end
{%- endmacro %}
