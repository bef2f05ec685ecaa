{{ entity_versions('identity_links') }}
