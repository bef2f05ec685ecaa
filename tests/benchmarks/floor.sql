-- The floor: reads the events, orders and their lines in raw once and writes the aggregate of person and day.
-- Nothing that builds stages from these files can do with less.
create table person_days as
select
    brand,
    coalesce(member_id, visitor_id) as person,
    event as touch_kind,
    cast(try_cast(event_time as timestamp) as date) as touch_date,
    count(*) as touches
from read_parquet(getvariable('raw') || '/sample_shop/events/*/*.parquet', hive_partitioning = false)
group by all
union all
select
    lines.brand,
    coalesce(orders.member_id, orders.visitor_id),
    'order',
    cast(try_cast(orders.paid_at as timestamp) as date),
    count(*)
from
    read_parquet(getvariable('raw') || '/sample_shop/orders/*/*.parquet', hive_partitioning = false)
        as orders
inner join
    read_parquet(getvariable('raw') || '/sample_shop/order_lines/*/*.parquet', hive_partitioning = false)
        as lines
    using (order_id)
group by all;
