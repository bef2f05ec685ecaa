{{ entity_versions('order_lines') }}
