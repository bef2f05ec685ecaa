"""The asset `arrival`: raw holds the accepted loads, and dbt is told of them."""

from collections.abc import Mapping

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from orchestration.build.around_dbt import write_dbt_inputs
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.defs.resources import WriterLock, explained
from orchestration.sources.source import Source


def arrival_asset(settings: Settings, sources: Mapping[str, Source]) -> AssetsDefinition:
    """What the warehouse is built from; it waits for every source that is being pulled."""

    @asset(
        name="arrival",
        deps=[AssetKey(["raw", source_id]) for source_id in sources],
        group_name="raw",
        kinds={"parquet"},
    )
    def arrival(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """Accepted loads moved into raw; files, sources and brands as dbt reads them."""
        with explained():
            retired = write_dbt_inputs(settings, sources)
        for told in retired:
            reporter().start("retention")
            reporter().done(told)
            context.log.info(told)
        return MaterializeResult()

    return arrival
