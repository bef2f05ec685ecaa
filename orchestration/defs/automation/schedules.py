"""Every night: what has come, as soon as it has."""

from collections.abc import Iterator, Mapping, Sequence

from dagster import (
    AssetKey,
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.arrival.configured import configured_schedule
from orchestration.core.settings import Settings
from orchestration.defs.automation.run_requests import run_requests
from orchestration.sources.source import Source


def nightly_schedule(
    settings: Settings,
    sources: Mapping[str, Source],
    job: UnresolvedAssetJobDefinition,
    rest: Sequence[AssetKey],
) -> ScheduleDefinition:
    """Begin the night: also what failed before is tried again."""
    times = configured_schedule(settings)

    @schedule(
        name="nightly",
        job=job,
        cron_schedule=times.cron,
        execution_timezone=times.timezone,
        default_status=DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        """Look for new dumps; wait for those that are owed, and skip the night when there are none."""
        yield from run_requests(context.instance, settings, sources, rest, context.scheduled_execution_time)

    return nightly
