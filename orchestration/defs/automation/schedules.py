"""Every night: what has come, as soon as it has; and whatever comes later, when it comes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    schedule,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.lib.run.job import NIGHTLY, RANGE_END, RANGE_START
from orchestration.lib.run.news import Request, look
from orchestration.lib.run.plan import stretches
from orchestration.lib.run.tonight import tonight
from orchestration.lib.sources.configured import configured_schedule
from orchestration.lib.sources.source import Source
from orchestration.settings import Settings

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
LOOK_EVERY_SECONDS = 60


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
        yield from wanted_runs(context.instance, settings, sources, rest, context.scheduled_execution_time)

    return nightly


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
        yield from wanted_runs(context.instance, settings, sources, rest, datetime.now(UTC), once=True)

    return arrivals


def wanted_runs(
    instance: DagsterInstance,
    settings: Settings,
    sources: Mapping[str, Source],
    rest: Sequence[AssetKey],
    now: datetime,
    *,
    once: bool = False,
) -> Iterator[RunRequest | SkipReason]:
    """A run for each stretch of load dates to bring in now, the last one with the `rest` of the job."""
    if instance.get_runs(RunsFilter(job_name=NIGHTLY, statuses=UNFINISHED), limit=1):
        yield SkipReason("A run is under way; what it leaves is looked for after it.")
        return
    times = configured_schedule(settings)
    fed = {source_id: source for source_id, source in sources.items() if source.dumps}
    news = look(settings, fed, Request(), times.today(now))
    now_wanted = tonight(fed, times, news, now)
    plan = stretches(now_wanted.load_dates)
    if not plan:
        told = [now_wanted.waits or "No source has new dumps", *news.unreachable.values()]
        yield SkipReason(". ".join(told))
    for position, stretch in enumerate(plan):
        raw = [AssetKey(["raw", source]) for source in stretch.sources]
        yield RunRequest(
            # Today's loads keep the mark of the news while they wait: what is asked for is part of the key.
            run_key=f"{news.mark}/{stretch.first}/{stretch.last}/{position}" if once else None,
            tags={RANGE_START: stretch.first.isoformat(), RANGE_END: stretch.last.isoformat()},
            asset_selection=[*raw, *rest] if stretch is plan[-1] else raw,
        )
