{#
  Acts that may open or close an opportunity of conversion: touches, page views of any kind as `view`, orders
  when placed and when paid. With `changed`, those before and after what this build changed.
#}
{% macro conversion_acts(changed=false) -%}
    {%- set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
    {%- set product = identity_space() ~ " || ':' || nullif(product_id, '(none)')" -%}
    {%- set document = "source_id || ':' || order_id" -%}
    {%- for model, kind, condition, product_id, document_id, acted_at, acted_on in [
        ('int_visit_events', 'touch_kind', 'true', product, no_text, 'event_at', 'event_date'),
        ('int_visit_events', "'view'", 'is_view', product, no_text, 'event_at', 'event_date'),
        ('int_placed_orders', "'placed_order'", 'true', no_text, document, 'created_at', 'created_date'),
        ('int_placed_orders', "'free_order'", 'is_free', no_text, document, 'created_at', 'created_date'),
        ('int_sales', "'paid_order'", 'true', product, document, 'paid_at', 'paid_date'),
    ] %}
    select
        brand_id,
        {{ kind }} as act_kind,
        person_id,
        {{ product_id }} as product_id,
        {{ document_id }} as document_id,
        {{ acted_at }} as acted_at,
        {{ acted_on }} as acted_on
    from {{ changed_rows(model) if changed else ref(model) }} as acts
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Kinds of acts that orders tell; events tell the others. #}
{% macro order_acts() -%}
    'placed_order', 'free_order', 'paid_order'
{%- endmacro %}

{# Acts with which rules begin (`from_kind`) or end (`to_kind`), once for each unit of such rules. #}
{% macro acts_of_rules(kind) -%}
    select
        acts.*,
        kinds.unit,
        case when kinds.unit = 'order' then acts.document_id else acts.person_id end as unit_id,
        case when kinds.unit = 'person_product' then acts.product_id else '' end as unit_product_id
    from (
        {{ conversion_acts() }}
    ) as acts
    inner join (select distinct {{ kind }} as act_kind, unit from {{ ref('conversion_rules') }}) as kinds
        on acts.act_kind = kinds.act_kind
{%- endmacro %}

{#
  Scope of `fct_conversion`: days of changed opening acts, days that a changed closing act is in the window
  of, days that are closed since the last build or no longer, and all days of a brand whose sources tell of
  other entities.
#}
{% macro changed_opening_days() -%}
    {%- set rules = ref('conversion_rules') -%}
    with moved as (
        select * from {{ changed_rows('int_horizons') }} as images
    ),

    spans as (
        select brand_id, min(first_day) as first_day, max(horizon) as horizon
        from (
            select brand_id, first_day, horizon from {{ ref('int_horizons') }}
            union all
            select brand_id, first_day, horizon from moved
        ) as days
        group by brand_id
    ),

    dates as (
        {{ date_series('(select min(first_day) from spans)', '(select max(horizon) from spans)') }}
    ),

    acts as (
        select distinct brand_id, act_kind, acted_on
        from (
            {{ conversion_acts(changed=true) }}
        ) as changed_acts
    )

    select acts.brand_id, rules.rule_id, acts.acted_on as opened_on
    from acts
    inner join {{ rules }} as rules on acts.act_kind = rules.from_kind

    union

    select acts.brand_id, rules.rule_id, dates.date_day as opened_on
    from acts
    inner join {{ rules }} as rules on acts.act_kind = rules.to_kind
    inner join dates
        on
            dates.date_day <= acts.acted_on
            and acts.acted_on < {{ add_days('dates.date_day', 'rules.window_days') }}

    union

    -- In only one of the two images.
    select moved.brand_id, rules.rule_id, dates.date_day as opened_on
    from moved
    cross join {{ rules }} as rules
    inner join dates
        on dates.date_day between moved.first_day and {{ add_days('moved.horizon', '1 - rules.window_days') }}
    group by moved.brand_id, rules.rule_id, dates.date_day
    having count(*) = 1

    union

    select facts.brand_id, rules.rule_id, dates.date_day as opened_on
    from {{ changed_rows('int_brand_facts') }} as facts
    inner join spans on facts.brand_id = spans.brand_id
    inner join dates on dates.date_day between spans.first_day and spans.horizon
    cross join {{ rules }} as rules
{%- endmacro %}
