"""Dagster definitions, a folder a stage, a thin layer over the stages."""
