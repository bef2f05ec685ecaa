"""Sources: the sources file, its calendar, and what dbt is told of them."""
