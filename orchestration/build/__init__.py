"""The build: dbt, and whether what it built is whole."""
