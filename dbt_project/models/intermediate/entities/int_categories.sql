{{ entity_versions('categories') }}
