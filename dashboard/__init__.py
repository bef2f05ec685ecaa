"""The pages that people look at: read only, and from the current release alone."""
