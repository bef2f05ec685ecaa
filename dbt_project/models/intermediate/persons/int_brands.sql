with sources as (
    select * from {{ source('arrival', 'sources') }}
),

declared as (
    select * from {{ source('arrival', 'brands') }}
),

-- Every day on which rows of a brand fall.
days as (
    select source_id, brand_id, event_date as day from {{ ref('int_events') }} where is_current
    union
    select brands.source_id, brands.brand_id, orders.created_date
    from {{ ref('int_order_brands') }} as brands
    inner join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('brands', 'orders', ['source_id', 'order_id']) }}
    union
    select brands.source_id, brands.brand_id, orders.paid_date
    from {{ ref('int_order_brands') }} as brands
    inner join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('brands', 'orders', ['source_id', 'order_id']) }}
    union
    -- A line may arrive before its order: then it has a brand but no day.
    select source_id, brand_id, cast(null as date) from {{ ref('int_order_lines') }} where is_current
    union
    select source_id, brand_id, refunded_on from {{ ref('int_refund_brands') }}
    union
    select source_id, brand_id, reviewed_on from {{ ref('int_person_reviews') }}
    union
    select source_id, brand_id, joined_on from {{ ref('int_memberships') }} where is_current
),

neighbours as (
    select
        *,
        lag(day) over (partition by source_id, brand_id order by day nulls last) as day_before
    from days
),

-- Days before the last gap of more than a year are stray: a clock that was not set, a year of two digits.
spans as (
    select
        neighbours.source_id,
        neighbours.brand_id,
        coalesce(
            sources.starts_on,
            max(case when day > {{ add_days('day_before', 366) }} then day end),
            min(day)
        ) as first_day,
        max(day) as last_day
    from neighbours
    inner join sources on neighbours.source_id = sources.source_id
    group by neighbours.source_id, neighbours.brand_id, sources.starts_on
),

counts as (
    select
        events.source_id,
        events.brand_id,
        count(*) - count(events.source_key) as unattributed_events,
        0 as unattributed_orders,
        0 as unattributed_reviews,
        0 as unattributed_memberships,
        sum(case when {{ is_bot('events') }} then 1 else 0 end) as bot_events,
        sum(case when events.event_date < spans.first_day then 1 else 0 end) as ancient_events
    from {{ ref('int_events') }} as events
    inner join spans on {{ join_on('events', 'spans', ['source_id', 'brand_id']) }}
    {{ bursts_of('events') }}
    where events.is_current
    group by events.source_id, events.brand_id

    union all

    select
        brands.source_id, brands.brand_id,
        0, count(distinct case when orders.person_id is null then orders.order_id end), 0, 0, 0, 0
    from {{ ref('int_order_brands') }} as brands
    inner join {{ ref('int_orders_settled') }} as orders
        on {{ join_on('brands', 'orders', ['source_id', 'order_id']) }}
    group by brands.source_id, brands.brand_id

    union all

    select source_id, brand_id, 0, 0, count(*) - count(person_id), 0, 0, 0
    from {{ ref('int_person_reviews') }}
    group by source_id, brand_id

    union all

    select source_id, brand_id, 0, 0, 0, count(*) - count(source_key), 0, 0
    from {{ ref('int_memberships') }}
    where is_current
    group by source_id, brand_id
),

source_ends as (
    select source_id, max(last_day) as last_day
    from spans
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

-- A brand with several sources is complete only where all of them are.
brand_horizons as (
    select
        spans.brand_id,
        case when count(source_horizons.horizon) = count(*) then min(source_horizons.horizon) end as horizon
    from spans
    inner join source_horizons on spans.source_id = source_horizons.source_id
    group by spans.brand_id
),

source_brands as (
    select
        spans.source_id,
        spans.brand_id,
        spans.first_day,
        coalesce(sum(counts.unattributed_events), 0) as unattributed_events,
        coalesce(sum(counts.unattributed_orders), 0) as unattributed_orders,
        coalesce(sum(counts.unattributed_reviews), 0) as unattributed_reviews,
        coalesce(sum(counts.unattributed_memberships), 0) as unattributed_memberships,
        coalesce(sum(counts.bot_events), 0) as bot_events,
        coalesce(sum(counts.ancient_events), 0) as ancient_events
    from spans
    left join counts on {{ join_on('spans', 'counts', ['source_id', 'brand_id']) }}
    group by spans.source_id, spans.brand_id, spans.first_day
)

select
    source_brands.brand_id,
    coalesce(max(declared.brand_name), source_brands.brand_id) as brand_name,
    coalesce(max(declared.timezone), max(sources.timezone)) as timezone,
    coalesce(max(declared.currency), max(sources.currency)) as currency,
    -- A source that begins after the horizon takes no day from those that began before it.
    coalesce(
        max(case when source_brands.first_day <= brand_horizons.horizon then source_brands.first_day end),
        max(source_brands.first_day)
    ) as first_day,
    brand_horizons.horizon,
    cast(sum(source_brands.unattributed_events) as bigint) as unattributed_events,
    cast(sum(source_brands.unattributed_orders) as bigint) as unattributed_orders,
    cast(sum(source_brands.unattributed_reviews) as bigint) as unattributed_reviews,
    cast(sum(source_brands.unattributed_memberships) as bigint) as unattributed_memberships,
    cast(sum(source_brands.bot_events) as bigint) as bot_events,
    cast(sum(source_brands.ancient_events) as bigint) as ancient_events,
    {{ dbt.listagg('source_brands.source_id', "', '", 'order by source_brands.source_id') }} as source_ids,
    bool_or(source_brands.brand_id = {{ unbranded('source_brands.source_id') }}) as is_unbranded,
    bool_or(source_horizons.is_stale) as is_stale
from source_brands
inner join sources on source_brands.source_id = sources.source_id
inner join source_horizons on source_brands.source_id = source_horizons.source_id
inner join brand_horizons on source_brands.brand_id = brand_horizons.brand_id
left join declared
    on {{ join_on('source_brands', 'declared', ['source_id', 'brand_id']) }}
group by source_brands.brand_id, brand_horizons.horizon
