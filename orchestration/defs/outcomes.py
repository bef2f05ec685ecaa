"""What a run of Dagster's came to, read from its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dagster import (
    AssetKey,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    ExecuteInProcessResult,
    RunsFilter,
)

from orchestration.core.errors import HomeBusy
from orchestration.core.redact import redact
from orchestration.core.settings import Settings
from orchestration.defs.names import MART_GATE, NIGHTLY
from orchestration.defs.resources import BY_GATE, EXIT_CODE
from orchestration.monitoring.runs import COMMAND, INTERRUPTED, Stopped, observe_run

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

LOOKED_BACK = 100
# Of runs in a row, each started at once after the one before was killed.
MOST_DEATHS = 3
# Tags of runs of the command line: who interrupts one is at the terminal.
BY_HAND = {"aipl/started_by": "aipl run"}
CANCELLED = "Somebody cancelled the run."
# Raised by Dagster between two steps of work, and by dbt in one.
INTERRUPTS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


def latest_outcome(instance: DagsterInstance) -> tuple[str, list[Stopped]] | None:
    """The latest nightly run that ended: its id, and what went wrong; None before there was one.

    A run that ended well counts where it was to make a release. One that was turned away, since another one
    was at work, does not count.
    """
    for run, events in _ended(instance):
        how = _ending(run, events)
        if how == "cancelled":
            return run.run_id, [Stopped(NIGHTLY, CANCELLED, INTERRUPTED)]
        if how != "well":
            stopped = _failures(events)
            is_again = how == "died" and latest_endings(instance).deaths < MOST_DEATHS
            return run.run_id, [replace(stop, retried=run.run_id if is_again else "") for stop in stopped]
        if makes_release(run):
            return run.run_id, []
    return None


@dataclass(frozen=True)
class Endings:
    """How the latest nightly runs ended: the id of the latest, and how many died in a row, it among them.

    A run died when it was killed, or interrupted by nobody who asked for it. `failed` is what a step of the
    latest decided, `cancelled` what a person did.
    """

    latest: str = ""
    deaths: int = 0
    failed: bool = False
    cancelled: bool = False


def latest_endings(instance: DagsterInstance) -> Endings:
    """How the latest nightly runs ended; the default before there was one."""
    latest, deaths = "", 0
    for run, events in _ended(instance):
        latest = latest or run.run_id
        how = _ending(run, events)
        if how != "died":
            is_latest = run.run_id == latest
            return Endings(latest, deaths, is_latest and how == "failed", is_latest and how == "cancelled")
        deaths += 1
    return Endings(latest, deaths)


def _ending(
    run: DagsterRun, events: Sequence[DagsterEvent]
) -> Literal["well", "failed", "died", "cancelled"]:
    if run.status is not DagsterRunStatus.FAILURE:
        return "cancelled" if run.status is DagsterRunStatus.CANCELED else "well"
    if any(_is_interrupt(event) for event in events):
        return "cancelled" if BY_HAND.items() <= run.tags.items() else "died"
    return "failed" if any(_error(event) for event in events) else "died"


def _ended(instance: DagsterInstance) -> Iterator[tuple[DagsterRun, list[DagsterEvent]]]:
    """Nightly runs that ended, with what failed in them, the latest first.

    Those that were turned away by another run are left out.
    """
    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    for run in instance.get_runs(RunsFilter(job_name=NIGHTLY, statuses=ended), limit=LOOKED_BACK):
        events = _failure_events(instance, run)
        if not any(HomeBusy.__name__ in _names(_error(event)) for event in events):
            yield run, events


def _failure_events(instance: DagsterInstance, run: DagsterRun) -> list[DagsterEvent]:
    if run.status is not DagsterRunStatus.FAILURE:
        return []
    wanted = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    entries = instance.all_logs(run.run_id, of_type=wanted)
    return [entry.dagster_event for entry in entries if entry.dagster_event]


def _error(event: DagsterEvent) -> SerializableErrorInfo | None:
    """The error of a failed step, or of a run that failed outside its steps; None where it was killed."""
    if event.is_step_failure:
        return event.step_failure_data.error
    # None of its own where somebody else reports that it failed.
    is_told = event.event_type is DagsterEventType.RUN_FAILURE and event.event_specific_data
    return event.job_failure_data.error if is_told else None


def _names(error: SerializableErrorInfo | None) -> set[str]:
    """Class names of an error and of its causes."""
    names = set()
    while error is not None:
        names.add(error.cls_name or "")
        error = error.cause
    return names


def makes_release(run: DagsterRun) -> bool:
    """Whether a run was asked for a release, and not only for a part of the assets."""
    return run.asset_selection is None or AssetKey("release") in run.asset_selection


def stopped_steps(result: ExecuteInProcessResult) -> list[Stopped]:
    """What went wrong in a run of this process. Raises KeyboardInterrupt when that was an interrupt."""
    if any(_is_interrupt(event) for event in result.all_events):
        raise KeyboardInterrupt
    return [] if result.success else _failures(result.all_events)


def _failures(events: Sequence[DagsterEvent]) -> list[Stopped]:
    """Failed steps in their order, else the failure of the run; steps that were only skipped say nothing."""
    steps = [_explain(event) for event in events if event.is_step_failure]
    messages = [event.message for event in events if event.is_failure and event.message]
    return steps or [Stopped(NIGHTLY, messages[-1] if messages else "the run failed", 1)]


def _explain(event: DagsterEvent) -> Stopped:
    failure = event.step_failure_data
    step = event.step_key or NIGHTLY
    told = failure.user_failure_data
    metadata: dict[str, Any] = {name: item.value for name, item in told.metadata.items()} if told else {}
    if told is not None and told.description:
        code, by_gate = metadata.get(EXIT_CODE, 1), metadata.get(BY_GATE, False)
        return Stopped(step, told.description, code, by_gate=by_gate)
    error = failure.error
    if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
        return Stopped(step, error.message.strip(), 3, by_gate=step == MART_GATE)
    cause = _first_cause(error)
    return Stopped(step, redact(cause.message.strip()) if cause else "failed", 1)


def _is_interrupt(event: DagsterEvent) -> bool:
    return bool(_names(_error(event)) & INTERRUPTS)


def _first_cause(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    while error is not None and error.cause is not None:
        error = error.cause
    return error


def observe_latest_run(settings: Settings, instance: DagsterInstance) -> None:
    """Make incidents of how the latest nightly run ended that Dagster knows of."""
    outcome = latest_outcome(instance)
    if outcome is not None:
        run_id, stopped = outcome
        well = instance.all_logs(run_id, of_type=DagsterEventType.STEP_SUCCESS)
        did = {NIGHTLY, COMMAND, *(entry.step_key for entry in well)}
        observe_run(settings, stopped, None, did=did.__contains__, run=run_id)
