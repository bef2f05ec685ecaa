{#
  The ratios of the scorecard: column of fct_scorecard_rates, numerator and denominator in fct_scorecard, unit,
  how well it is sourced, name in English and Chinese. Nothing else holds a formula.
#}
{% macro measures() -%}
    {%- set found = [] -%}
    {%- for measure, numerator, denominator, unit, confidence, name_en, name_zh in [
        ('views_per_visitor', 'views', 'visitors', 'number', 'stated', 'Views per visitor', '人均浏览量'),
        ('stay_per_visitor_day', 'dwell_seconds', 'visitor_days', 'seconds', 'conflict',
            'Stay per visitor and day', '人均停留时长（按人日）'),
        ('stay_per_visit', 'dwell_seconds', 'visits', 'seconds', 'conflict', 'Stay per visit', '次均停留时长'),
        ('stay_per_view', 'dwell_seconds', 'dwell_views', 'seconds', 'conflict', 'Stay per view', '页均停留时长'),
        ('bounce_visitor', 'one_view_visitor_days', 'visitor_days', 'share', 'stated',
            'Bounce rate (visitors)', '跳失率（按访客）'),
        ('bounce_visit', 'one_view_visits', 'visits', 'share', 'stated',
            'Bounce rate (visits)', '跳失率（按访问）'),
        ('cart_rate', 'cart_persons', 'visitors', 'share', 'stated', 'Cart rate', '加购率'),
        ('favorite_rate', 'favorite_persons', 'visitors', 'share', 'stated', 'Favorite rate', '收藏率'),
        ('pay_conversion', 'buyers', 'visitors', 'share', 'stated', 'Pay conversion', '支付转化率'),
        ('order_to_pay', 'buyers', 'created_buyers', 'share', 'stated', 'Order-to-pay rate', '下单支付率'),
        ('amount_per_buyer', 'attributed_amount', 'priced_buyers', 'money', 'stated',
            'Amount per buyer', '客单价'),
        ('amount_per_order', 'paid_amount', 'priced_orders', 'money', 'stated', 'Amount per order', '笔单价'),
        ('uv_value', 'paid_amount', 'visitors', 'money', 'stated', 'Value per visitor', 'UV价值'),
        ('uv_value_attributed', 'attributed_amount', 'visitors', 'money', 'ours',
            'Value per visitor (known buyers)', 'UV价值（可归属）'),
        ('units_per_order', 'units', 'orders', 'number', 'stated', 'Units per order', '连带率'),
        ('repeat_rate', 'repeat_buyers', 'buyers', 'share', 'stated', 'Repeat rate', '复购率'),
        ('new_buyer_share', 'new_buyers', 'buyers', 'share', 'stated', 'Share of new buyers', '新客占比'),
        ('refund_rate_amount', 'refunded_amount', 'paid_amount', 'share', 'conflict',
            'Refund rate (amount)', '退款率（金额）'),
        ('refund_rate_orders', 'refunded_orders', 'orders', 'share', 'conflict',
            'Refund rate (orders)', '退款率（订单）'),
        ('refund_documents_per_order', 'refunds', 'orders', 'number', 'ours',
            'Refunds per order', '单均退款笔数'),
        ('refund_rate_cohort_amount', 'refunded_as_known', 'paid_amount', 'share', 'conflict',
            'Refund rate of what was paid (amount)', '退款率（按支付日，金额）'),
        ('refund_rate_cohort_orders', 'orders_refunded_as_known', 'orders', 'share', 'conflict',
            'Refund rate of what was paid (orders)', '退款率（按支付日，订单）'),
        ('discount_rate', 'discount_amount', 'list_amount', 'share', 'ours', 'Discount rate', '折让率'),
        ('benefit_share', 'benefit_orders', 'orders', 'share', 'ours',
            'Share of orders with a benefit', '优惠订单占比'),
        ('active_rate', 'products_sold', 'products_on_sale', 'share', 'stated',
            'Share of products sold', '动销率'),
        ('gross_margin', 'paid_amount - refunded_as_known - cost_amount', 'paid_amount', 'share', 'ours',
            'Gross margin', '毛利率'),
        ('good_rate', 'good_reviewers', 'reviewers', 'share', 'ours', 'Share of good reviewers', '好评率'),
        ('bad_rate', 'bad_reviewers', 'reviewers', 'share', 'ours', 'Share of bad reviewers', '差评率'),
    ] -%}
        {%- do found.append({
            'measure': measure, 'numerator': numerator, 'denominator': denominator, 'unit': unit,
            'confidence': confidence, 'name_en': name_en, 'name_zh': name_zh,
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# A ratio of the scorecard's row at hand. #}
{% macro measured(measure) -%}
    {{ safe_divide('(' ~ measure.numerator ~ ')', measure.denominator) }}
{%- endmacro %}

{# All of them, in a select list. #}
{% macro measured_columns() -%}
    {%- for measure in measures() %}
    {{ measured(measure) }} as {{ measure.measure }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
