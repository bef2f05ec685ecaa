"""The warehouse: dbt models as assets, built by one dbt command in the run's own process."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from dagster import AssetCheckKey, AssetExecutionContext, AssetsDefinition, MaterializeResult, multi_asset
from dagster_dbt import build_dbt_asset_specs

from orchestration.build.around_dbt import (
    Preparation,
    finish_build,
    prepare_build,
    prepare_part,
)
from orchestration.build.dbt import (
    configured_manifest,
    dbt_environment,
    run_dbt,
    run_target,
    staging_exclusion,
)
from orchestration.build.failures import explain_failure
from orchestration.build.laws import broken_laws, law_results, laws_by_test, read_results
from orchestration.build.state import FIRST_BUILD
from orchestration.core.printable import counted
from orchestration.core.progress import Reporter, reporter
from orchestration.core.settings import Settings
from orchestration.defs.resources import WriterLock, explained
from orchestration.defs.warehouse.checks import law_check_result, law_checks
from orchestration.defs.warehouse.translator import WarehouseTranslator
from orchestration.sources.source import Source

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg


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
    def warehouse(context: AssetExecutionContext, lock: WriterLock) -> Iterator[Any]:
        """Build all models from the accepted loads and test all laws."""
        with explained():
            preparation = (
                prepare_part(settings, sources, dbt_sources)
                if context.is_subset
                else prepare_build(settings, dbt_sources)
            )
            stage = "warehouse, in full" if preparation.is_full else "warehouse"
            reporter().start(stage, total=len(context.selected_asset_keys))
            target = run_target(settings, context.run.run_id)
            arguments = [*build_arguments(preparation), *excluded]
            if context.is_subset:
                arguments += ["--select", *sorted(key.path[-1] for key in context.selected_asset_keys)]
            variables = dbt_environment(settings, dbt_sources, target) | preparation.variables
            ran = run_dbt(arguments, variables, partial(_show_progress, reporter()))
            results = read_results(target)
            built = [result for result in results if result.name in tables and result.status == "success"]
            for result in built:
                yield MaterializeResult(
                    asset_key=tables[result.name], metadata={"Execution Duration": result.seconds}
                )
            for law, broken in law_results(laws, results, lambda found: broken_laws(settings, found)):
                key = AssetCheckKey(tables[law.table], law.name)
                if key in context.selected_asset_check_keys:
                    yield law_check_result(law, broken, key)
            if not ran.success:
                raise explain_failure(settings, target, ran.exception)
            finish_build(settings, preparation.build)
            because = "" if preparation.in_full in ("", FIRST_BUILD) else f", because {preparation.in_full}"
            reporter().done(f"{counted(len(built), 'model')}{because}")

    return warehouse


def _show_progress(watcher: Reporter, event: "EventMsg") -> None:
    """Called in the threads of dbt, which do not know the reporter of the run."""
    if event.info.name in {"LogModelResult", "LogSeedResult"}:
        watcher.step(event.data.node_info.node_name)
