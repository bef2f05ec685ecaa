"""The release: what people read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from orchestration.defs.resources import WriterLock, explained
from orchestration.lib.publish.mirror import mirror
from orchestration.lib.publish.release import publish
from orchestration.lib.run.job import MIRROR
from orchestration.lib.run.progress import reporter
from orchestration.lib.run.tidy import prune_history, tidy
from orchestration.lib.sources.configured import configured_sources
from orchestration.settings import Settings


def release_asset(settings: Settings, marts: Sequence[AssetKey]) -> AssetsDefinition:
    """The asset `release`, behind every mart and the gate on each."""

    @asset(name="release", deps=marts, group_name="publish", kinds={"duckdb", "parquet"})
    def release(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """Marts that passed their gate, under `published/current`."""
        reporter().start("release")
        with explained():
            published = publish(settings)
            tidied = tidy(settings, configured_sources(settings), datetime.now(UTC))
            pruned = prune_history(context.instance, datetime.now(UTC))
        text = published.release_id if published.is_new else f"{published.release_id}, as before"
        reporter().done(text)
        context.log.info("Release %s", text)
        context.log.info("Kept for long enough, removed: %s, %s runs of the history", tidied, pruned)
        return MaterializeResult(
            metadata={
                "release_id": published.release_id,
                "is_new": published.is_new,
                "horizon": published.manifest["horizon"],
                "rows": published.manifest["rows"],
            }
        )

    return release


def mirror_asset(settings: Settings) -> AssetsDefinition:
    """The asset `mirror`, behind the release: what goes wrong here leaves that as it is."""

    @asset(name=MIRROR, deps=["release"], group_name="publish", kinds={"postgres"})
    def mirrored(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """The current release in the PostgreSQL database of `AIPL_MIRROR_URL`."""
        reporter().start(MIRROR)
        with explained():
            done = mirror(settings)
        reporter().done(done.told)
        return MaterializeResult(metadata={"release_id": done.release_id, "rows": done.rows or 0})

    return mirrored
