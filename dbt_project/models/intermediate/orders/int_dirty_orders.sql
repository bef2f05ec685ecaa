-- The last ones did not change themselves: their key belongs to another person now.
{{ changes_of('int_orders', ['source_id', 'order_id']) }}
union
{{ changes_of('int_order_lines', ['source_id', 'order_id']) }}
union
{{ changes_of('int_refunds', ['source_id', 'order_id']) }}
union
select
    orders.source_id,
    orders.order_id
from {{ ref('int_orders') }} as orders
inner join {{ ref('int_moved_keys') }} as moved on orders.source_key = moved.source_key
