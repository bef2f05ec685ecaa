"""The work of the pipeline as plain functions, without Dagster."""
