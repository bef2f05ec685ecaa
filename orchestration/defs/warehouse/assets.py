"""The warehouse: dbt's models as assets, built by one command in one process."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetExecutionContext,
    AssetMaterialization,
    AssetsDefinition,
    Output,
    multi_asset,
)
from dagster_dbt import DbtCliInvocation, DbtCliResource, build_dbt_asset_specs

from orchestration.defs.resources import WriterLock, explained
from orchestration.defs.warehouse.checks import law_check_result, law_checks
from orchestration.defs.warehouse.translator import WarehouseTranslator
from orchestration.lib.build.around_dbt import Preparation, finish_build, prepare_build
from orchestration.lib.build.dbt import (
    configured_manifest,
    dbt_environment,
    environment,
    run_target,
    staging_exclusion,
)
from orchestration.lib.build.failures import explain_failure
from orchestration.lib.build.laws import broken_laws, law_results, laws_by_test, read_results
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
    """All dbt nodes of the configured sources as assets, each law as a check."""
    built_of = configured_manifest(manifest, sources)
    specs = build_dbt_asset_specs(manifest=built_of, dagster_dbt_translator=WarehouseTranslator(sources))
    tables = {spec.key.path[-1]: spec.key for spec in specs}
    laws = laws_by_test(built_of)
    excluded = [f"--exclude={folder}" for folder in staging_exclusion(settings.dbt_project, sources)]

    @multi_asset(
        name="warehouse", specs=specs, check_specs=law_checks(built_of, laws, tables), can_subset=True
    )
    def warehouse(context: AssetExecutionContext, dbt: DbtCliResource, lock: WriterLock) -> Iterator[Any]:
        """Build all models and test all laws on what has arrived."""
        with explained():
            preparation = prepare_build(settings, dbt_sources)
            stage = "warehouse, in full" if preparation.is_full else "warehouse"
            reporter().start(stage, total=len(context.selected_asset_keys))
            target = run_target(settings, context.run.run_id)
            with environment(dbt_environment(settings, dbt_sources) | preparation.variables):
                arguments = [*build_arguments(preparation), *excluded]
                invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
                built = 0
                for event in invocation.stream():
                    # One test judges many laws, whose verdicts stand in dbt's results.
                    if isinstance(event, Output | AssetMaterialization):
                        built += 1
                        reporter().step(_name(event))
                        yield event
                # Until it has ended, it may hold the warehouse.
                invocation.process.wait()
                results = read_results(target)
                for law, broken in law_results(laws, results, lambda found: broken_laws(settings, found)):
                    key = AssetCheckKey(tables[law.table], law.name)
                    if key in context.selected_asset_check_keys:
                        yield law_check_result(law, broken, key)
            _require_success(settings, invocation)
            # A part of the models is not a build: the next run starts from nothing.
            if not context.is_subset:
                finish_build(settings, preparation.build)
            reporter().done(f"{built} models")

    return warehouse


def _name(event: Output[Any] | AssetMaterialization) -> str:
    return event.output_name if isinstance(event, Output) else event.asset_key.path[-1]


def _require_success(settings: Settings, invocation: DbtCliInvocation) -> None:
    """Raise what stopped dbt, if anything did."""
    if invocation.process.wait() != 0:
        raise explain_failure(settings, invocation.target_path, invocation.process.returncode)
