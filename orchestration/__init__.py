"""Dagster definitions, settings and the command line of aipl-warehouse."""
