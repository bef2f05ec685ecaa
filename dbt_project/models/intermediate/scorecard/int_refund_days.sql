{{ config(
    materialized='incremental',
    scope=[
        changed('int_refund_lines', ['brand_id', who_of('refunded_on')]),
        changed('int_refund_lines', ['brand_id', who_of('paid_date')], where='paid_date is not null'),
        by_macro('of_changed_brands', ['int_brand_facts']),
        by_macro('of_refunds_at_the_horizon', ['int_horizons', 'int_refund_lines']),
    ],
    scope_key=['brand_id', 'who'],
    only_differences=true,
) }}

{%- set slices = [
    'all', 'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product', 'refund_reason',
] %}
{#- Kinds of entries, with the column that counts them and that of their money. -#}
{%- set kinds = {
    'given_back': ('refunds', 'refunded_amount'),
    'of_a_purchase': ('refunds_as_known', 'refunded_as_known'),
    'of_none': ('unlinked_refunds', 'unlinked_refund_amount'),
    'adjustment': ('adjustments', 'adjustment_amount'),
} %}
{%- set parts_of_a_document = {
    'order_id': 'max(order_id)',
    'is_unknown': 'count(amount) = 0 and not bool_or(is_foreign)',
    'amount': 'sum(amount)',
} %}

with lines as (
    select
        refunds.brand_id,
        refunds.person_id,
        refunds.refunded_on,
        case when refunds.paid_date <= horizons.horizon then refunds.paid_date end as paid_on,
        refunds.document_kind,
        refunds.document_kind || chr(31) || refunds.source_id || chr(31) || refunds.refund_id as document,
        refunds.source_id || chr(31) || refunds.order_id as order_id,
        refunds.paid_hour as hour,
        refunds.region,
        refunds.channel,
        {{ told_apart('refunds', 'campaign_id') }} as campaign_id,
        refunds.device,
        refunds.department,
        refunds.category_id,
        case
            when refunds.product_id not in ('(none)', '(documents)')
                then {{ told_apart('refunds', 'product_id') }}
        end as product_id,
        refunds.reason_kind,
        facts.is_unbranded,
        {{ is_other_currency('refunds', 'facts') }} as is_foreign,
        case when {{ is_own_currency('refunds', 'facts') }} then refunds.amount end as amount
    from {{ ref('int_refund_lines') }} as refunds
    inner join {{ ref('int_brand_facts') }} as facts on refunds.brand_id = facts.brand_id
    inner join {{ ref('int_horizons') }} as horizons on refunds.brand_id = horizons.brand_id
    where refunds.refunded_on <= horizons.horizon
),

-- A refund counts on its own day, and on that of the purchase which it undoes.
dated as (
    select *, refunded_on as day, 'given_back' as kind from lines
    where document_kind <> 'adjustment'

    union all

    select
        *,
        coalesce(paid_on, refunded_on) as day,
        case
            when document_kind = 'adjustment' then 'adjustment'
            when paid_on is null then 'of_none'
            else 'of_a_purchase'
        end as kind
    from lines
),

entries as (
    select * from (select *, {{ who_of('day') }} as who from dated) as entries
    where {{ in_scope('entries') }}
),

documents as (
    {{ by_slice('entries', slices, parts_of_a_document, ['kind', 'document']) }}
)

select
    {{ key_of_days() | join(', ') }},
    bool_or(is_person) as is_person,
    cast(count(distinct case when kind = 'given_back' then order_id end) as bigint) as refunded_orders,
    cast(count(distinct case when kind = 'of_a_purchase' then order_id end) as bigint)
        as orders_refunded_as_known
    {%- for kind, (number, money) in kinds.items() %},
    {{ count_of("kind = '" ~ kind ~ "'") }} as {{ number }},
    {{ count_of("kind = '" ~ kind ~ "' and is_unknown") }} as unknown_{{ number }},
    cast(sum(case when kind = '{{ kind }}' then amount end) as decimal(18, 4)) as {{ money }}
    {%- endfor %}
from documents
group by {{ key_of_days() | join(', ') }}
