{{ entity_versions('events') }}
