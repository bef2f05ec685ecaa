"""Dagster definitions, a folder a stage; the work itself is in `orchestration.lib`."""
