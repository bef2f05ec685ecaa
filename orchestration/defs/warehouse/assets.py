"""The warehouse: dbt models as assets, laws as their checks; one dbt command in the run's own process."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import chain
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    multi_asset,
)
from dagster_dbt import build_dbt_asset_specs

from orchestration.build.around_dbt import finish_build, leave_build, prepare_build
from orchestration.build.dbt import configured_manifest, dbt_environment, run_target
from orchestration.build.engine.chosen import engine_of
from orchestration.build.engine.contract import Order
from orchestration.build.failures import explain_failure
from orchestration.build.laws import DbtResult, Law, broken_laws, law_results, laws_by_test, read_results
from orchestration.build.reach import models_to_run
from orchestration.build.state import FIRST_BUILD
from orchestration.build.warehouse import rows_of_tables
from orchestration.core.printable import counted
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.core.under_way import begin_step
from orchestration.defs.resources import WriterLock, explained
from orchestration.defs.warehouse.translator import WarehouseTranslator
from orchestration.sources.source import Source

NOT_BUILT: Mapping[str, str] = {"Unchanged": "It did not have to be built again."}
NOT_JUDGED: Mapping[str, str] = {"Unchanged": "It held before, and what it judges did not change."}


def warehouse_assets(
    settings: Settings, sources: Mapping[str, Source], dbt_sources: str, manifest: Mapping[str, Any]
) -> AssetsDefinition:
    """All dbt nodes of the configured sources as assets, each law as a check.

    They are built together, whichever of them somebody materializes: a part would be inconsistent with the
    rest, and an increment of all is the day's rows. What nothing of it reaches is reported as unchanged: it
    is as a build would make it.
    """
    built_of = configured_manifest(manifest, sources)
    specs = build_dbt_asset_specs(manifest=built_of, dagster_dbt_translator=WarehouseTranslator(sources))
    tables = {spec.key.path[-1]: spec.key for spec in specs}
    laws = laws_by_test(built_of)
    in_order = _in_order(specs)

    @multi_asset(name="warehouse", specs=specs, check_specs=_law_checks(built_of, laws, tables))
    def warehouse(context: AssetExecutionContext, lock: WriterLock) -> Iterator[Any]:
        """Build all models from the accepted loads and test all laws."""
        with explained():
            preparation = prepare_build(settings, dbt_sources)
            stage = "warehouse, in full" if preparation.is_full else "warehouse"
            models = models_to_run(settings, built_of, preparation.changed)
            begin_step(stage, total=len(specs) if models is None else len(models))
            target = run_target(settings, context.run.run_id)
            variables = dbt_environment(settings, dbt_sources, target) | preparation.variables
            order = Order(dbt_sources, sources, models, preparation.is_full, target, variables)
            # Threads of dbt do not know the reporter of the run.
            ran = engine_of(settings).build(settings, order, reporter().step)
            results = read_results(target)
            built = {
                result.name: result
                for result in results
                if result.name in tables and result.status == "success"
            }
            rows = rows_of_tables(settings, built) if built else {}
            unreached = set[str]() if models is None else tables.keys() - set(models)
            for key in in_order:
                name = key.path[-1]
                if name in unreached or (name in built and built[name].is_left):
                    yield MaterializeResult(asset_key=key, metadata=NOT_BUILT)
                elif name in built:
                    yield MaterializeResult(asset_key=key, metadata=_metadata(built[name], rows.get(name)))
            for law, broken in law_results(laws, results, lambda found: broken_laws(settings, found)):
                yield AssetCheckResult(
                    asset_key=tables[law.table],
                    check_name=law.name,
                    passed=broken is None,
                    severity=AssetCheckSeverity.ERROR if law.is_error else AssetCheckSeverity.WARN,
                    metadata={"rows": broken.failures, "examples": broken.example_lines} if broken else {},
                )
            if not ran.success:
                error = explain_failure(settings, target, ran.exception)
                try:
                    leave_build(settings, built.keys() | unreached)
                except Exception as lost:
                    # Why the build stopped matters more.
                    raise error from lost
                raise error
            judged = {result.unique_id for result in results}
            for law in chain.from_iterable(laws[test] for test in laws.keys() - judged):
                # It held when the last build finished, else this one would be a full one.
                yield AssetCheckResult(
                    asset_key=tables[law.table], check_name=law.name, passed=True, metadata=NOT_JUDGED
                )
            finish_build(settings, preparation.build)
            because = "" if preparation.in_full in ("", FIRST_BUILD) else f", because {preparation.in_full}"
            unchanged = len(tables) - sum(not result.is_left for result in built.values())
            rest = f", {unchanged} unchanged" if unchanged else ""
            reporter().done(f"{counted(len(tables) - unchanged, 'model')}{rest}{because}")

    return warehouse


def _metadata(result: DbtResult, rows: int | None) -> dict[str, float]:
    """What Dagster draws over time: seconds, and the rows of a table."""
    counted_rows = {} if rows is None else {"dagster/row_count": rows}
    return {"Execution Duration": result.seconds, **counted_rows}


def _in_order(specs: Sequence[AssetSpec]) -> list[AssetKey]:
    """Keys of the assets, each after those that it is made from, as Dagster wants to hear of them."""
    keys = {spec.key for spec in specs}
    reads = {spec.key: {dep.asset_key for dep in spec.deps} & keys for spec in specs}
    return list(TopologicalSorter(reads).static_order())


def _law_checks(
    manifest: Mapping[str, Any], laws: Mapping[str, Sequence[Law]], tables: Mapping[str, AssetKey]
) -> list[AssetCheckSpec]:
    """A check for each law of each test of a dbt manifest; `tables` are models and seeds by name."""
    nodes = manifest["nodes"]
    return [
        AssetCheckSpec(
            name=law.name,
            asset=tables[law.table],
            description=law.description,
            additional_deps={
                tables[nodes[read]["name"]]
                for read in nodes[test]["depends_on"]["nodes"]
                if read in nodes and nodes[read]["name"] in tables.keys() - {law.table}
            },
            blocking=law.is_error,
            # By this Dagster finds the test to run when somebody asks for this check alone.
            metadata={"dagster_dbt/unique_id": test, "runbook": law.anchor},
        )
        for test, of_test in laws.items()
        for law in of_test
    ]
