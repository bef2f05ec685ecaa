"""Stage 2: dbt builds the warehouse from accepted loads."""
