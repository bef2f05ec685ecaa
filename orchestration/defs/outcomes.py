"""What a run of Dagster's came to, read from its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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

from orchestration.core.redact import redact
from orchestration.core.settings import Settings
from orchestration.defs.names import MART_GATE, NIGHTLY
from orchestration.defs.resources import BY_GATE, EXIT_CODE
from orchestration.monitoring.runs import COMMAND, Stopped, observe_run

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

LOOKED_BACK = 100
# Raised by Dagster between two steps of work, and by dbt in one.
# A tag that Dagster puts on a failed run that it starts again by itself.
WILL_RETRY = "dagster/will_retry"
INTERRUPTS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


def latest_outcome(instance: DagsterInstance) -> tuple[str, list[Stopped]] | None:
    """The latest nightly run that ended: its id, and what went wrong; None before there was one.

    A run that ended well counts where it was to make a release: of several stretches of load dates the last.
    """
    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
    for run in instance.get_runs(RunsFilter(job_name=NIGHTLY, statuses=ended), limit=LOOKED_BACK):
        if run.status is DagsterRunStatus.FAILURE:
            wanted = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
            entries = instance.all_logs(run.run_id, of_type=wanted)
            stopped = _failures([entry.dagster_event for entry in entries if entry.dagster_event])
            if is_started_again(run):
                stopped = [replace(stop, retried=run.run_id) for stop in stopped]
            return run.run_id, stopped
        if run.asset_selection is None or AssetKey("release") in run.asset_selection:
            return run.run_id, []
    return None


def is_started_again(run: DagsterRun) -> bool:
    """Whether a run that failed is started again without anybody asking: it crashed, for the first time."""
    return run.tags.get(WILL_RETRY) == "true"


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
    cause = _first_cause(event.step_failure_data.error) if event.is_step_failure else None
    return cause is not None and cause.cls_name in INTERRUPTS


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
