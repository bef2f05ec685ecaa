"""The warehouse: dbt's models as assets, built by one command in one process."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import AssetExecutionContext, AssetMaterialization, AssetsDefinition, Output
from dagster_dbt import DbtCliInvocation, DbtCliResource, dbt_assets

from orchestration.defs.resources import WriterLock, explained
from orchestration.defs.warehouse.translator import WarehouseTranslator
from orchestration.lib.build.around_dbt import (
    Preparation,
    finish_build,
    prepare_build,
    prepare_part,
)
from orchestration.lib.build.dbt import (
    configured_manifest,
    dbt_environment,
    environment,
    run_target,
    staging_exclusion,
)
from orchestration.lib.build.failures import explain_failure
from orchestration.lib.build.state import FIRST_BUILD
from orchestration.lib.run.progress import reporter
from orchestration.lib.sources.source import Source
from orchestration.settings import Settings


def build_arguments(preparation: Preparation) -> list[str]:
    """Arguments of the nightly `dbt build`; unit tests check the SQL, not the data, and run in CI.

    What only says who reads the marts is nothing to build.
    """
    refresh = ["--full-refresh"] if preparation.is_full else []
    kinds = (f"--exclude-resource-type={kind}" for kind in ("unit_test", "exposure", "saved_query"))
    return ["build", *kinds, *refresh]


def warehouse_assets(
    settings: Settings, sources: Mapping[str, Source], dbt_sources: str, manifest: Mapping[str, Any]
) -> AssetsDefinition:
    """All dbt nodes of the configured sources as assets, their tests as checks."""
    excluded = [f"--exclude={folder}" for folder in staging_exclusion(settings.dbt_project, sources)]

    @dbt_assets(
        manifest=configured_manifest(manifest, sources),
        dagster_dbt_translator=WarehouseTranslator(sources),
        name="warehouse",
    )
    def warehouse(context: AssetExecutionContext, dbt: DbtCliResource, lock: WriterLock) -> Iterator[Any]:
        """Build all models and test all laws on what has arrived."""
        with explained():
            preparation = (
                prepare_part(settings, sources, dbt_sources)
                if context.is_subset
                else prepare_build(settings, dbt_sources)
            )
            stage = "warehouse, in full" if preparation.is_full else "warehouse"
            reporter().start(stage, total=len(context.selected_asset_keys))
            target = run_target(settings, context.run.run_id)
            with environment(dbt_environment(settings, dbt_sources) | preparation.variables):
                arguments = [*build_arguments(preparation), *excluded]
                invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
                built = 0
                for event in invocation.stream():
                    if isinstance(event, Output | AssetMaterialization):
                        built += 1
                        reporter().step(_name(event))
                    yield event
            _require_success(settings, invocation)
            finish_build(settings, preparation.build)
            because = "" if preparation.in_full in ("", FIRST_BUILD) else f", because {preparation.in_full}"
            reporter().done(f"{built} models{because}")

    return warehouse


def _name(event: Output[Any] | AssetMaterialization) -> str:
    return event.output_name if isinstance(event, Output) else event.asset_key.path[-1]


def _require_success(settings: Settings, invocation: DbtCliInvocation) -> None:
    """Raise what stopped dbt, if anything did."""
    if invocation.process.wait() != 0:
        raise explain_failure(settings, invocation.target_path, invocation.process.returncode)
