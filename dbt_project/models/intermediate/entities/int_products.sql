{{ entity_versions('products') }}
