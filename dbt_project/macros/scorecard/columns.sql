{#
  Columns of the scorecard, in order: the facts that they are of (as in `facts` of seeds/slices.csv), what must
  be told by a source of the brand (of `int_brand_facts`), and their unit.

  sum: adds up over members and days; sum_of_period: over members alone.
  documents: add up over days, and over members where a document has one (`slices_of_documents`).
  person_days: add up over days; members together have at least as many as the brand.
  persons, products: add up over nothing.
#}
{% macro scorecard_columns() -%}
    {{ return({
        'visitors': ('visitors', 'has_events', 'persons'),
        'new_visitors': ('visitors', 'has_events', 'persons'),
        'visitor_days': ('visitors', 'has_events', 'person_days'),
        'one_view_visitor_days': ('visitors', 'has_events', 'person_days'),
        'views': ('traffic', 'has_events', 'sum'),
        'views_without_visit': ('traffic', 'has_events', 'sum'),
        'visits': ('traffic', 'has_events', 'sum'),
        'one_view_visits': ('traffic', 'has_events', 'sum'),
        'dwell_seconds': ('traffic', 'has_events', 'sum'),
        'dwell_views': ('traffic', 'has_events', 'sum'),
        'favorite_persons': ('visitors', 'has_events', 'persons'),
        'cart_persons': ('visitors', 'has_events', 'persons'),
        'cart_persons_kept': ('visitors', 'has_events', 'persons'),
        'favorites': ('traffic', 'has_events', 'sum'),
        'cart_adds': ('traffic', 'has_events', 'sum'),
        'interactions': ('traffic', 'has_events', 'sum'),
        'shares': ('traffic', 'has_events', 'sum'),
        'ad_impressions': ('traffic', 'has_events', 'sum'),
        'ad_clicks': ('traffic', 'has_events', 'sum'),
        'created_orders': ('orders', none, 'documents'),
        'created_buyers': ('orders', none, 'persons'),
        'created_amount': ('orders', 'has_prices', 'sum'),
        'orders': ('sales', none, 'documents'),
        'unattributed_orders': ('sales', none, 'documents'),
        'unknown_amount_orders': ('sales', none, 'documents'),
        'other_currency_orders': ('sales', none, 'documents'),
        'priced_orders': ('sales', none, 'documents'),
        'priced_buyers': ('sales', none, 'persons'),
        'buyers': ('sales', none, 'persons'),
        'new_buyers': ('sales', none, 'persons'),
        'first_ever_buyers': ('sales', none, 'persons'),
        'repeat_buyers': ('sales', none, 'persons'),
        'payers_without_visit': ('sales', 'has_events', 'persons'),
        'units': ('sales', none, 'sum'),
        'products_sold': ('products', none, 'products'),
        'products_viewed': ('products', 'has_events', 'products'),
        'products_on_sale': ('products', 'has_listing', 'products'),
        'paid_amount': ('sales', 'has_prices', 'sum'),
        'attributed_amount': ('sales', 'has_prices', 'sum'),
        'goods_paid_amount': ('sales', 'has_prices', 'sum'),
        'new_buyer_amount': ('sales', 'has_prices', 'sum_of_period'),
        'new_product_amount': ('sales', 'has_listing', 'sum'),
        'list_amount': ('sales', 'has_list_amounts', 'sum'),
        'discount_amount': ('sales', 'has_discounts', 'sum'),
        'benefit_discount': ('benefits', 'has_benefits', 'sum'),
        'benefit_orders': ('sales', 'has_coupons', 'documents'),
        'cost_amount': ('sales', 'has_costs', 'sum'),
        'refunds': ('refunds', 'has_refunds', 'documents'),
        'refunded_amount': ('refunds', 'has_refunds', 'sum'),
        'refunded_orders': ('refunds', 'has_refunds', 'documents'),
        'refunded_as_known': ('paid_refunds', 'has_refund_links', 'sum'),
        'attributed_refunded_as_known': ('paid_refunds', 'has_refund_links', 'sum'),
        'orders_refunded_as_known': ('paid_refunds', 'has_refund_links', 'documents'),
        'unlinked_refund_amount': ('refunds', 'has_refunds', 'sum'),
        'adjustment_amount': ('refunds', none, 'sum'),
        'reviews': ('reviews', 'has_reviews', 'sum'),
        'reviewers': ('reviews', 'has_reviews', 'persons'),
        'good_reviewers': ('reviews', 'has_reviews', 'persons'),
        'bad_reviewers': ('reviews', 'has_reviews', 'persons'),
        'rating_sum': ('reviews', 'has_reviews', 'sum'),
    }) }}
{%- endmacro %}

{# Slices in which a document has exactly one member. #}
{% macro slices_of_documents() -%}
    {{ return(['hour', 'region', 'channel', 'campaign', 'device', 'buyer_class']) }}
{%- endmacro %}

{#
  What slice `region` tells, by the facts that decide together which of its members are shown: nothing from
  which a hidden member could be worked out.
#}
{% macro region_columns() -%}
    {%- set counts = scorecard_counts('sales') -%}
    {{ return({
        'traffic': {
            'visitors': 'count(distinct case when is_person then who end)',
            'visitor_days': "count(distinct case when is_person then who || ' ' || day end)",
            'views': total('views'),
            'views_without_visit': total('views_without_visit'),
            'visits': total('visits'),
            'dwell_seconds': total('dwell_seconds'),
            'dwell_views': total('dwell_views'),
        },
        'sales': {
            'buyers': 'count(distinct case when is_person then who end)',
            'orders': counts.orders,
            'unattributed_orders': counts.unattributed_orders,
            'unknown_amount_orders': counts.unknown_amount_orders,
            'units': counts.units,
            'paid_amount': counts.paid_amount,
            'attributed_amount': counts.attributed_amount,
            'discount_amount': counts.discount_amount,
            'list_amount': counts.list_amount,
            'cost_amount': counts.cost_amount,
        },
        'reviews': {
            'reviews': total('reviews'),
            'reviewers': 'count(distinct case when is_person then who end)',
            'rating_sum': total('rating_sum'),
        },
    }) }}
{%- endmacro %}
