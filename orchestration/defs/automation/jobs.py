"""The one job: everything from dumps to release."""

from __future__ import annotations

from dagster import AssetSelection, define_asset_job, in_process_executor
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.defs.names import NIGHTLY


def nightly_job() -> UnresolvedAssetJobDefinition:
    """All assets and checks in one process: DuckDB has one writer."""
    return define_asset_job(
        NIGHTLY,
        selection=AssetSelection.all(),
        description="Pull new dumps, build the warehouse, run the mart gate, publish a release.",
        executor_def=in_process_executor,
    )
