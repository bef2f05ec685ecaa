"""Which runs to ask for now: what schedule and sensor have in common."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dagster import AssetKey, DagsterInstance, DagsterRunStatus, RunRequest, RunsFilter, SkipReason

from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.pending import Request, due_loads, find_pending
from orchestration.core.settings import Settings
from orchestration.defs.automation.stretches import stretches
from orchestration.defs.names import NIGHTLY
from orchestration.monitoring.heartbeat import conclude_night
from orchestration.sources.source import Source

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def run_requests(
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
        yield SkipReason("A run is in progress; remaining loads are checked for when it ends.")
        return
    times = configured_schedule(settings)
    arrival = read_arrival(settings, sources).fed()
    pending = find_pending(settings, arrival, Request(), times.today(now))
    now_wanted = due_loads(arrival.sources, times, pending, now)
    plan = stretches(now_wanted.load_dates)
    if not plan:
        told = [now_wanted.waits or "No source has new dumps", *pending.unreachable.values()]
        yield SkipReason(". ".join(told))
        if not once and not now_wanted.waits:
            # The night is over: nothing is new, and nothing is waited for.
            conclude_night(settings)
    for position, stretch in enumerate(plan):
        raw = [AssetKey(["raw", source]) for source in stretch.sources]
        yield RunRequest(
            # Today's loads keep their mark while they wait, so the key also says what is asked for.
            run_key=f"{pending.mark}/{stretch.first}/{stretch.last}/{position}" if once else None,
            tags=stretch.tags,
            asset_selection=[*raw, *rest] if stretch is plan[-1] else raw,
        )
