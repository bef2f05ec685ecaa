"""The release, which users read, and its mirror."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    asset,
)

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.retention import tidy
from orchestration.core.progress import reporter
from orchestration.core.settings import Settings
from orchestration.core.under_way import begin_step
from orchestration.defs.history import prune_history
from orchestration.defs.resources import WriterLock, explained
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.monitoring.nights import record_night
from orchestration.publish.mirror import MIRROR, mirror
from orchestration.publish.release import Release, publish
from orchestration.publish.releases import created_at


def release_asset(
    settings: Settings, marts: Sequence[AssetKey], fresh: FreshnessPolicy | None
) -> AssetsDefinition:
    """The asset `release`, downstream of every mart and its gate, and by when it should be there."""

    @asset(
        name="release",
        deps=marts,
        group_name="publish",
        kinds={"duckdb", "parquet"},
        freshness_policy=fresh,
    )
    def release(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """The marts that passed the gate, published under `published/current`."""
        begin_step("release")
        with explained():
            try:
                published = publish(settings)
            finally:
                observe_mart_gate(settings)
            if published.is_new:
                record_night(settings, datetime.now(UTC))
            tidied = tidy(settings, read_arrival(settings), datetime.now(UTC))
            pruned = prune_history(context.instance, settings.dagster_home, datetime.now(UTC))
        text = published.release_id if published.is_new else f"{published.release_id}, unchanged"
        reporter().done(text)
        context.log.info("Release %s", text)
        context.log.info("Removed after their retention period: %s, %s runs from the history", tidied, pruned)
        return MaterializeResult(
            metadata={
                "release_id": published.release_id,
                "is_new": published.is_new,
                "horizon": published.manifest["horizon"],
                "rows": published.manifest["rows"],
                # Numbers, which Dagster draws over time.
                "dagster/row_count": sum(published.manifest["rows"].values()),
                **_days_behind(published),
            }
        )

    return release


def _days_behind(release: Release) -> dict[str, int]:
    """Days from the end of the brand whose data end first to the day of the release."""
    horizons = [date.fromisoformat(day) for day in release.manifest["horizon"].values() if day]
    if not horizons:
        return {}
    return {"days_behind": (created_at(release.release_id).date() - min(horizons)).days}


def mirror_asset(settings: Settings) -> AssetsDefinition:
    """The asset `mirror`, downstream of the release; a failure here does not affect the release."""

    @asset(name=MIRROR, deps=["release"], group_name="publish", kinds={"postgres"})
    def mirrored(context: AssetExecutionContext, lock: WriterLock) -> MaterializeResult[None]:
        """A copy of the current release in the PostgreSQL database in `AIPL_MIRROR_URL`."""
        begin_step(MIRROR)
        with explained():
            done = mirror(settings)
        reporter().done(done.told)
        return MaterializeResult(metadata={"release_id": done.release_id, "rows": done.rows or 0})

    return mirrored
