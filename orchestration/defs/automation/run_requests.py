"""Which run to ask for now: what schedule and sensor have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from dagster import AssetKey, DagsterInstance, DagsterRunStatus, RunRequest, RunsFilter, SkipReason

from orchestration.arrival.configured import read_arrival
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.defs.orphaned_runs import fail_orphaned_runs_if_idle
from orchestration.defs.outcomes import MOST_DEATHS, latest_endings
from orchestration.defs.raw.assets import raw_config
from orchestration.monitoring.heartbeat import conclude_night
from orchestration.monitoring.work import Work, find_work
from orchestration.sources.source import Source

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def nightly_request(
    instance: DagsterInstance,
    settings: Settings,
    sources: Mapping[str, Source],
    rest: Sequence[AssetKey],
    now: datetime,
) -> RunRequest | SkipReason:
    """A run of all that there is to do, as the schedule asks for it once a night; `rest` follows raw."""
    if busy := _under_way(instance, settings):
        return busy
    work = _work(settings, sources, now)
    request = _request(work, rest)
    if isinstance(request, SkipReason) and not work.waits:
        # The night is over: nothing is new, and nothing is waited for.
        conclude_night(settings)
    return request


def prompt_request(
    instance: DagsterInstance,
    settings: Settings,
    sources: Mapping[str, Source],
    rest: Sequence[AssetKey],
    now: datetime,
) -> RunRequest | SkipReason:
    """The same between the nights, as the sensor asks for it: once for the same work, and not for all of it.

    What a run left that was killed is done at once, a few times in a row. What one left that failed or was
    cancelled waits for the night or for new dumps: the same data would fail again.
    """
    if busy := _under_way(instance, settings):
        return busy
    endings = latest_endings(instance)
    if endings.cancelled:
        return SkipReason(
            f"Run {endings.latest} was cancelled. The next night goes on, or a run that you start."
        )
    if endings.deaths >= MOST_DEATHS:
        return SkipReason(
            f"{counted(endings.deaths, 'run')} in a row died, the last was {endings.latest}. The next night"
            " tries again; see docs/runbooks/nightly-failed.md."
        )
    work = _work(settings, sources, now)
    is_prompt = work.unpublished.is_cut_short and not endings.failed
    if not work.load_dates and not is_prompt:
        return SkipReason(_nothing(work))
    request = _request(work, rest)
    after = endings.latest if endings.deaths else ""
    return request._replace(run_key=f"{work.mark}/{after}") if isinstance(request, RunRequest) else request


def _work(settings: Settings, sources: Mapping[str, Source], now: datetime) -> Work:
    return find_work(settings, read_arrival(settings, sources), now)


def _under_way(instance: DagsterInstance, settings: Settings) -> SkipReason | None:
    """Why no run can be asked for while there is another one; a dead one does not count."""
    fail_orphaned_runs_if_idle(settings, instance)
    if instance.get_runs(RunsFilter(statuses=UNFINISHED), limit=1):
        return SkipReason("A run is in progress; what is left is looked for when it ends.")
    return None


def _request(work: Work, rest: Sequence[AssetKey]) -> RunRequest | SkipReason:
    if not work.load_dates and not work.unpublished.reason:
        return SkipReason(_nothing(work))
    raw = [AssetKey(["raw", source]) for source in work.load_dates]
    return RunRequest(asset_selection=[*raw, *rest], run_config=raw_config(work.load_dates))


def _nothing(work: Work) -> str:
    return ". ".join([work.waits or "No source has new dumps", *work.pending.unreachable.values()])
