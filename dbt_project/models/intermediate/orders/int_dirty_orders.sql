{{ changes_of('int_orders', ['source_id', 'order_id']) }}
union
{{ changes_of('int_order_lines', ['source_id', 'order_id']) }}
union
{{ changes_of('int_refunds', ['source_id', 'order_id']) }}
