{# One row per preset: whether its refund policy looks ahead, and the lowest rank of a customer. #}
{% macro gmv_presets() -%}
    select
        preset,
        refund_policy = 'net_hindsight' as looks_ahead,
        min(case when kind = 'touch' and touch_kind = 'paid_order' then stage_rank end) as customer_rank
    from ({{ active_rules() }}) as rules
    group by preset, refund_policy
{%- endmacro %}

{# One row per preset, brand and day, with customers and prospects at its end. #}
{% macro gmv_segments() -%}
    select
        stock.preset,
        stock.brand_id,
        stock.as_of_date,
        sum(case when stock.stage_rank >= presets.customer_rank then persons else 0 end) as customer_persons,
        sum(case when stock.stage_rank >= presets.customer_rank then 0 else persons end) as prospect_persons
    from {{ ref('int_daily_stock') }} as stock
    inner join ({{ gmv_presets() }}) as presets on stock.preset = presets.preset
    group by stock.preset, stock.brand_id, stock.as_of_date
{%- endmacro %}

{#
  One row per purchase and brand in the brand's currency, which GMV is in: `amount` is NULL if it, or its
  currency, is not known. Or, with `others`, one per purchase in another currency.
#}
{% macro gmv_purchases(others=false) -%}
    select
        orders.brand_id,
        orders.source_id,
        orders.order_id,
        orders.person_id,
        orders.paid_date,
        case when orders.currency = brands.currency then orders.paid_amount end as amount
    from {{ ref('int_paid_orders') }} as orders
    inner join {{ ref('int_brands') }} as brands on orders.brand_id = brands.brand_id
    where {{ 'not ' if not others }}{{ is_other_currency('orders', 'brands') }}
{%- endmacro %}

{#
  One row per brand, horizon, origin and past horizon that the origin learns from, end to end back from the
  origin and after the brand's first day. Each starts at the end of `start_date`.
#}
{% macro gmv_past_windows() -%}
    select windows.*
    from (
        {%- for step in range(1, var('forecast_history_horizons') + 1) %}
        select
            brand_id, horizon_days, as_of_date,
            {{ add_days('as_of_date', '-' ~ step ~ ' * horizon_days') }} as start_date
        from {{ ref('int_gmv_origins') }}
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as windows
    inner join {{ ref('int_brands') }} as brands
        on windows.brand_id = brands.brand_id and windows.start_date >= brands.first_day
{%- endmacro %}
