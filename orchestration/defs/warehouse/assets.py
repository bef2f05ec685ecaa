"""The warehouse: dbt's models as assets, built by one dbt command in the process of the run."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import msg_to_dict

from orchestration.build.around_dbt import Preparation, finish_build, prepare_build
from orchestration.build.dbt import (
    configured_manifest,
    dbt_environment,
    run_dbt,
    run_target,
    staging_exclusion,
)
from orchestration.build.failures import explain_failure
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.defs.resources import WriterLock, explained
from orchestration.defs.warehouse.translator import WarehouseTranslator
from orchestration.sources.source import Source

MODEL_RESULTS = {"LogModelResult", "LogSeedResult"}
RESULTS = {*MODEL_RESULTS, "LogTestResult"}


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
    configured, translator = configured_manifest(manifest, sources), WarehouseTranslator(sources)

    @dbt_assets(manifest=configured, dagster_dbt_translator=translator, name="warehouse")
    def warehouse(context: AssetExecutionContext, lock: WriterLock) -> Iterator[Any]:
        """Build all models and test all laws on what has arrived."""
        with explained():
            preparation = prepare_build(settings, dbt_sources)
            stage = "warehouse, in full" if preparation.is_full else "warehouse"
            reporter().start(stage, total=len(context.selected_asset_keys))
            target = run_target(settings, context.run.run_id)
            selected, indirect = get_subset_selection_for_context(
                context, configured, None, None, None, translator, None
            )
            arguments = [*build_arguments(preparation), *excluded, *selected]
            if indirect:
                arguments += ["--indirect-selection", indirect]
            variables = dbt_environment(settings, dbt_sources, target) | preparation.variables
            results: list[EventMsg] = []

            def receive(event: EventMsg) -> None:
                if event.info.name in RESULTS:
                    results.append(event)
                if event.info.name in MODEL_RESULTS:
                    reporter().step(event.data.node_info.node_name)

            ran = run_dbt(arguments, variables, receive)
            for event in results:
                message = DbtCoreCliEventMessage(msg_to_dict(event), {})
                yield from message.to_default_asset_events(configured, translator, context)
            if not ran.success:
                raise explain_failure(settings, target, ran.error)
            # A part of the models is not a build: the next run starts from nothing.
            if not context.is_subset:
                finish_build(settings, preparation.build)
            built = sum(event.info.name in MODEL_RESULTS for event in results)
            reporter().done(f"{built} models")

    return warehouse
