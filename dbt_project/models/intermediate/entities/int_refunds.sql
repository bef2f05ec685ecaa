{{ entity_versions('refunds') }}
