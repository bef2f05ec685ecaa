with sources as (
    select * from {{ source('arrival', 'sources') }}
),

declared as (
    select * from {{ source('arrival', 'brands') }}
),

evidence as (
    select
        events.source_id,
        events.brand_id,
        min(events.event_date) as first_day,
        max(events.event_date) as last_day,
        count(*) - count(events.source_key) as unattributed_events,
        0 as unattributed_orders,
        0 as unattributed_reviews,
        0 as unattributed_memberships,
        sum(case when {{ is_bot('events') }} then 1 else 0 end) as bot_events,
        sum(case when events.is_ancient then 1 else 0 end) as ancient_events
    from {{ ref('int_events') }} as events
    {{ bursts_of('events') }}
    where events.is_current
    group by events.source_id, events.brand_id

    union all

    select
        brands.source_id,
        brands.brand_id,
        min(coalesce(orders.created_date, orders.paid_date)) as first_day,
        max(greatest(orders.created_date, orders.paid_date)) as last_day,
        0 as unattributed_events,
        count(distinct case when orders.person_id is null then orders.order_id end) as unattributed_orders,
        0 as unattributed_reviews,
        0 as unattributed_memberships,
        0 as bot_events,
        0 as ancient_events
    from {{ ref('int_order_brands') }} as brands
    inner join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('brands', 'orders', ['source_id', 'order_id']) }}
    group by brands.source_id, brands.brand_id

    union all

    -- A line may arrive before its order: then it has a brand but no day.
    select distinct
        source_id, brand_id, cast(null as date) as first_day, cast(null as date) as last_day, 0, 0, 0, 0, 0, 0
    from {{ ref('int_order_lines') }}
    where is_current

    union all

    select source_id, brand_id, min(refunded_on) as first_day, max(refunded_on) as last_day, 0, 0, 0, 0, 0, 0
    from {{ ref('int_refund_brands') }}
    group by source_id, brand_id

    union all

    select
        source_id, brand_id, min(reviewed_on) as first_day, max(reviewed_on) as last_day,
        0, 0, count(*) - count(person_id), 0, 0, 0
    from {{ ref('int_person_reviews') }}
    group by source_id, brand_id

    union all

    select
        source_id, brand_id, min(joined_on) as first_day, max(joined_on) as last_day,
        0, 0, 0, count(*) - count(source_key), 0, 0
    from {{ ref('int_memberships') }}
    where is_current
    group by source_id, brand_id
),

source_ends as (
    select source_id, max(last_day) as last_day
    from evidence
    group by source_id
),

-- A daily feed is complete up to the date in its calendar; a static dump as declared, else to its last event.
source_horizons as (
    select
        sources.source_id,
        sources.is_stale,
        coalesce(
            sources.complete_through,
            case when sources.feed = 'static' then source_ends.last_day end
        ) as horizon
    from sources
    left join source_ends on sources.source_id = source_ends.source_id
),

source_brands as (
    select
        source_id,
        brand_id,
        min(first_day) as first_day,
        sum(unattributed_events) as unattributed_events,
        sum(unattributed_orders) as unattributed_orders,
        sum(unattributed_reviews) as unattributed_reviews,
        sum(unattributed_memberships) as unattributed_memberships,
        sum(bot_events) as bot_events,
        sum(ancient_events) as ancient_events
    from evidence
    group by source_id, brand_id
)

select
    source_brands.brand_id,
    coalesce(max(declared.brand_name), source_brands.brand_id) as brand_name,
    coalesce(max(declared.timezone), max(sources.timezone)) as timezone,
    coalesce(max(declared.currency), max(sources.currency)) as currency,
    -- A brand with several sources is complete only where all of them are.
    max(coalesce(sources.starts_on, source_brands.first_day)) as first_day,
    case when count(source_horizons.horizon) = count(*) then min(source_horizons.horizon) end as horizon,
    cast(sum(source_brands.unattributed_events) as bigint) as unattributed_events,
    cast(sum(source_brands.unattributed_orders) as bigint) as unattributed_orders,
    cast(sum(source_brands.unattributed_reviews) as bigint) as unattributed_reviews,
    cast(sum(source_brands.unattributed_memberships) as bigint) as unattributed_memberships,
    cast(sum(source_brands.bot_events) as bigint) as bot_events,
    cast(sum(source_brands.ancient_events) as bigint) as ancient_events,
    bool_or(source_brands.brand_id = {{ unbranded('source_brands.source_id') }}) as is_unbranded,
    bool_or(source_horizons.is_stale) as is_stale
from source_brands
inner join sources on source_brands.source_id = sources.source_id
inner join source_horizons on source_brands.source_id = source_horizons.source_id
left join declared
    on {{ join_on('source_brands', 'declared', ['source_id', 'brand_id']) }}
group by source_brands.brand_id
