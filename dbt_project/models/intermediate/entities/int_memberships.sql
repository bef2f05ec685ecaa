{{ entity_versions('memberships') }}
