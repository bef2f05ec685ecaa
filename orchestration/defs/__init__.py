"""Dagster definitions, a folder a stage, a thin layer over the stages."""

import sys
from importlib import import_module

# Dagster's library for dbt imports the half of dbt for the names of two enumerations, unless dbt cannot be
# imported, as where it is an engine without Python. That takes longer than all of Dagster's definitions, and
# here dbt works in a process of its own.
if "dagster_dbt" not in sys.modules and "dbt.version" not in sys.modules:
    sys.modules["dbt.version"] = None  # type: ignore[assignment]
    try:
        import_module("dagster_dbt")
    finally:
        del sys.modules["dbt.version"]
