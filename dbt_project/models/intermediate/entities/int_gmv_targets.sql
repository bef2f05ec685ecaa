{{ entity_versions('gmv_targets') }}
