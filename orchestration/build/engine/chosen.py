"""The engine in force."""

from __future__ import annotations

from orchestration.build.engine.contract import Engine
from orchestration.build.engine.on_duckdb import OnDuckDB
from orchestration.build.engine.on_spark import OnSpark
from orchestration.core.settings import Settings


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name."""
    return OnSpark(settings.spark_remote, settings.spark_format) if settings.engine == "spark" else OnDuckDB()
