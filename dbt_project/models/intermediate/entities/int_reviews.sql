{{ entity_versions('reviews') }}
