"""By day: what comes later is brought in, and what is late or not fresh is told."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from dagster import (
    AssetKey,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.core.settings import Settings
from orchestration.defs.automation.run_requests import run_requests
from orchestration.monitoring.watch import watch
from orchestration.sources.source import Source

LOOK_EVERY_SECONDS = 60
WATCH_EVERY_SECONDS = 300


def arrivals_sensor(
    settings: Settings,
    sources: Mapping[str, Source],
    job: UnresolvedAssetJobDefinition,
    rest: Sequence[AssetKey],
) -> SensorDefinition:
    """Bring in what comes after the night began, and dumps that change or are delivered again."""

    @sensor(
        name="arrivals",
        job=job,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
    )
    def arrivals(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        """Run just the loads that have news; the same news is asked for once, whatever becomes of it."""
        yield from run_requests(context.instance, settings, sources, rest, datetime.now(UTC), once=True)

    return arrivals


def watch_sensor(settings: Settings) -> SensorDefinition:
    """Sources late or empty, marts no longer fresh."""

    @sensor(
        name="watch",
        minimum_interval_seconds=WATCH_EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
    )
    def watching(context: SensorEvaluationContext) -> SkipReason:
        """Open and close incidents; the sensor `alerts` delivers what there is to tell."""
        watch(settings, datetime.now(UTC))
        return SkipReason("Arrival and freshness checked; `aipl status` shows open incidents.")

    return watching
