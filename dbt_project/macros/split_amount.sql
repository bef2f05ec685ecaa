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
        -- A share is a double: as such, half a cent may be a little less than that.
        else cast(round({{ decimal_of_double(amount ~ ' * ' ~ share, 38, 6) }}, 2) as decimal(18, 4))
    end
{%- endmacro %}

{# Whether two rows have different currencies; one that is not told counts as the same. #}
{% macro is_other_currency(one, other) -%}
    coalesce({{ one }}.currency <> {{ other }}.currency, false)
{%- endmacro %}

{# Whether an amount is of the brand's currency; one that is not told is of no currency. #}
{% macro is_own_currency(one, brand) -%}
    coalesce({{ one }}.currency = {{ brand }}.currency, {{ brand }}.currency is null)
{%- endmacro %}
