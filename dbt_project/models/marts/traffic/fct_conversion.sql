{{ config(
    materialized='incremental',
    scope=[by_macro('changed_opening_days', [
        'conversion_rules', 'int_brand_facts', 'int_horizons', 'int_visit_events', 'int_placed_orders',
        'int_sales',
    ])],
    scope_key=['brand_id', 'rule_id', 'opened_on'],
    on_schema_change='fail',
) }}

with rules as (
    select * from {{ ref('conversion_rules') }}
),

opening_acts as (
    {{ acts_of_rules('from_kind') }}
),

closing_acts as (
    {{ acts_of_rules('to_kind') }}
),
{%- if is_incremental() %}

scoped_days as (
    select distinct scope.brand_id, rules.from_kind as act_kind, rules.unit, scope.opened_on as acted_on
    from {{ scope_relation() }} as scope
    inner join rules on scope.rule_id = rules.rule_id
),
{%- endif %}

-- One per unit and day, opened by the first act.
opportunities as (
    select
        brand_id,
        act_kind,
        unit,
        unit_id,
        unit_product_id,
        acted_on as opened_on,
        min(acted_at) as opened_at,
        min_by(
            document_id,
            case when document_id is not null then {{ row_of(['acted_at', 'document_id']) }} end
        ) as document_id,
        case when unit = 'order' then min(case when unit = 'order' then person_id end) else unit_id end
            as person_id
    from opening_acts as acts
    where
        unit_id is not null
        and unit_product_id is not null
        {%- if is_incremental() %}
        and {{ in_relation('acts', 'scoped_days', ['brand_id', 'act_kind', 'unit', 'acted_on']) }}
        {%- endif %}
    group by brand_id, act_kind, unit, unit_id, unit_product_id, acted_on
),

-- Whether a day has an act late enough is decided by its last one.
closings as (
    select
        brand_id,
        act_kind,
        unit,
        unit_id,
        unit_product_id,
        acted_on,
        document_id,
        max(acted_at) as last_at
    from closing_acts
    where {{ since_scope('acted_on', 'opened_on') }}
    group by brand_id, act_kind, unit, unit_id, unit_product_id, acted_on, document_id
),

conversions as (
    select
        opportunities.brand_id,
        rules.rule_id,
        opportunities.opened_on,
        opportunities.unit_id,
        opportunities.unit_product_id,
        opportunities.person_id,
        min(closings.acted_on) as converted_on
    from opportunities
    inner join rules
        on opportunities.act_kind = rules.from_kind and opportunities.unit = rules.unit
    inner join closings
        on
            rules.to_kind = closings.act_kind
            and {{ join_on('opportunities', 'closings', ['brand_id', 'unit', 'unit_id', 'unit_product_id']) }}
            and opportunities.opened_at <= closings.last_at
            and closings.acted_on < {{ add_days('opportunities.opened_on', 'rules.window_days') }}
            and case rules.closes_on
                when 'any' then true
                when 'later_day' then closings.acted_on > opportunities.opened_on
                when 'same_document' then closings.document_id = opportunities.document_id
                when 'other_document' then closings.document_id <> opportunities.document_id
            end
    group by
        opportunities.brand_id, rules.rule_id, opportunities.opened_on, opportunities.unit_id,
        opportunities.unit_product_id, opportunities.person_id
),

-- With several products or orders on a day, a person is one.
openers as (
    select brand_id, act_kind, unit, opened_on, count(*) as persons
    from (
        select distinct brand_id, act_kind, unit, opened_on, person_id from opportunities
        where unit <> 'person' and person_id is not null
    ) as persons
    group by brand_id, act_kind, unit, opened_on
),

opened as (
    select brand_id, act_kind, unit, opened_on, count(*) as opened
    from opportunities
    group by brand_id, act_kind, unit, opened_on
),

converted as (
    select
        brand_id, rule_id, opened_on,
        count(*) as converted,
        count(distinct person_id) as persons,
        sum({{ dbt.datediff('opened_on', 'converted_on', 'day') }}) as days_sum
    from conversions
    group by brand_id, rule_id, opened_on
),

-- Where no source tells of the closing act, nobody knows what converted.
counted as (
    select
        opened.brand_id,
        rules.rule_id,
        opened.opened_on,
        opened.opened,
        case when opened.unit = 'person' then opened.opened else coalesce(openers.persons, 0) end as persons
    from opened
    left join openers on {{ join_on('opened', 'openers', ['brand_id', 'act_kind', 'unit', 'opened_on']) }}
    inner join rules on opened.act_kind = rules.from_kind and opened.unit = rules.unit
    inner join {{ ref('int_brands') }} as brands
        on
            opened.brand_id = brands.brand_id
            and opened.opened_on >= brands.first_day
            and {{ add_days('opened.opened_on', 'rules.window_days - 1') }} <= brands.horizon
    inner join {{ ref('int_brand_facts') }} as facts on opened.brand_id = facts.brand_id
    where
        not brands.is_unbranded
        and case when rules.to_kind in ({{ order_acts() }}) then facts.has_orders else facts.has_events end
)

select
    counted.brand_id,
    counted.rule_id,
    counted.opened_on,
    cast(counted.opened as bigint) as opened,
    cast(coalesce(converted.converted, 0) as bigint) as converted,
    cast(counted.persons as bigint) as persons_opened,
    cast(coalesce(converted.persons, 0) as bigint) as persons_converted,
    cast(coalesce(converted.days_sum, 0) as bigint) as days_sum
from counted
left join converted on {{ join_on('counted', 'converted', ['brand_id', 'rule_id', 'opened_on']) }}
where {{ in_scope('counted') }}
