{{ entity_versions('orders') }}
