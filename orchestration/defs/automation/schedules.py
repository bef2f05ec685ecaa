"""Every night: whatever is new."""

from collections.abc import Iterable, Iterator, Mapping

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

from orchestration.lib.run.job import RANGE_END, RANGE_START
from orchestration.lib.run.nightly import ZONE, Request, find_new
from orchestration.lib.run.plan import stretches
from orchestration.lib.sources.source import Source
from orchestration.settings import Settings

HALF_PAST_TWO = "30 2 * * *"


def nightly_schedule(
    settings: Settings,
    sources: Mapping[str, Source],
    job: UnresolvedAssetJobDefinition,
    rest: Iterable[AssetKey],
) -> ScheduleDefinition:
    """Ask for a run over each stretch of new load dates, the last one with the `rest` of the job."""
    fed = {source_id: source for source_id, source in sources.items() if source.dumps}

    @schedule(
        name="nightly",
        job=job,
        cron_schedule=HALF_PAST_TWO,
        execution_timezone=ZONE.key,
        default_status=DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        """Look for new dumps; skip the night when there are none."""
        plan = stretches(find_new(settings, fed, Request()))
        if not plan:
            yield SkipReason("No source has new dumps.")
        for stretch in plan:
            raw = [AssetKey(["raw", source]) for source in stretch.sources]
            yield RunRequest(
                tags={RANGE_START: stretch.first.isoformat(), RANGE_END: stretch.last.isoformat()},
                asset_selection=[*raw, *rest] if stretch is plan[-1] else raw,
            )

    return nightly
