"""Run the nightly job in this process: the same job that the schedule and the UI start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.lib.redact import redact
from orchestration.lib.run.dead_runs import bury_dead_runs
from orchestration.lib.run.instance import prepare_dagster_home
from orchestration.lib.run.plan import Stretch
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, ExecuteInProcessResult, JobDefinition
    from dagster_shared.error import SerializableErrorInfo

KEPT_LOGS = 30
NIGHTLY = "nightly"
MART_GATE = "mart_gate"
MIRROR = "mirror"
LOOKED_BACK = 100
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Stopped:
    """A step that did not end well: its name, what to tell, and the exit code (1: a crash).

    `by_gate` is whether the mart gate stopped it, which tells its findings itself.
    """

    step: str
    message: str
    exit_code: int
    by_gate: bool = False


def run_nightly(
    settings: Settings, plan: Sequence[Stretch], config: Mapping[str, Mapping[str, Any]], log: Path
) -> list[Stopped]:
    """Pull each stretch, the last one together with all that follows it; returns what went wrong.

    `config` is that of the raw assets, by source. Output of the tools goes to `log`.
    Raises KeyboardInterrupt when a step was interrupted.
    """
    prepare_dagster_home(settings.dagster_home)
    with _logged(log):
        from dagster import DagsterInstance

        from orchestration.defs.composition import build_definitions

        job = build_definitions(settings).resolve_job_def(NIGHTLY)
        with DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            bury_dead_runs(instance)
            for stretch in plan[:-1]:
                result = _execute(job, instance, stretch, config, with_warehouse=False)
                if not result.success:
                    return _stopped(result)
            result = _execute(job, instance, plan[-1] if plan else None, config, with_warehouse=True)
            return _stopped(result)


def latest_outcome(instance: DagsterInstance) -> tuple[str, list[Stopped]] | None:
    """The latest nightly run that ended: its id, and what went wrong; None before there was one.

    A run that ended well counts where it was to make a release: of several stretches of load dates the last.
    """
    from dagster import AssetKey, DagsterEventType, DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
    for run in instance.get_runs(RunsFilter(job_name=NIGHTLY, statuses=ended), limit=LOOKED_BACK):
        if run.status is DagsterRunStatus.FAILURE:
            wanted = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
            entries = instance.all_logs(run.run_id, of_type=wanted)
            return run.run_id, _failures([entry.dagster_event for entry in entries if entry.dagster_event])
        if run.asset_selection is None or AssetKey("release") in run.asset_selection:
            return run.run_id, []
    return None


def new_log(settings: Settings) -> Path:
    """File for the log of a new run; only the last thirty are kept."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -KEPT_LOGS + 1]:
        old.unlink()
    return folder / f"run-{datetime.now().astimezone():%Y%m%dT%H%M%S}.log"


def _execute(
    job: JobDefinition,
    instance: DagsterInstance,
    stretch: Stretch | None,
    config: Mapping[str, Mapping[str, Any]],
    *,
    with_warehouse: bool,
) -> ExecuteInProcessResult:
    from dagster import AssetKey

    keys = job.asset_layer.selected_asset_keys
    raw = {AssetKey(["raw", source]) for source in (stretch.sources if stretch else ())}
    rest = {key for key in keys if key.path[0] != "raw"} if with_warehouse else set()
    tags = {RANGE_START: stretch.first.isoformat(), RANGE_END: stretch.last.isoformat()} if stretch else {}
    ops = {
        f"raw__{source}": {"config": dict(given)}
        for source, given in config.items()
        if stretch and source in stretch.sources
    }
    return job.execute_in_process(
        run_config={"ops": ops},
        instance=instance,
        asset_selection=[key for key in keys if key in raw | rest],
        tags=tags,
        raise_on_error=False,
    )


@contextmanager
def _logged(log: Path) -> Iterator[None]:
    with log.open("a", encoding="utf-8") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield


def _stopped(result: ExecuteInProcessResult) -> list[Stopped]:
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
    from dagster import BoolMetadataValue, IntMetadataValue

    failure = event.step_failure_data
    step = event.step_key or NIGHTLY
    told = failure.user_failure_data
    if told is not None and told.description:
        code, by_gate = told.metadata.get("exit_code"), told.metadata.get("by_gate")
        return Stopped(
            step,
            told.description,
            code.value or 1 if isinstance(code, IntMetadataValue) else 1,
            by_gate=isinstance(by_gate, BoolMetadataValue) and bool(by_gate.value),
        )
    error = failure.error
    if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
        return Stopped(step, error.message.strip(), 3, by_gate=step == MART_GATE)
    cause = _first_cause(error)
    return Stopped(step, redact(cause.message.strip()) if cause else "failed", 1)


def _is_interrupt(event: DagsterEvent) -> bool:
    cause = _first_cause(event.step_failure_data.error) if event.is_step_failure else None
    return cause is not None and cause.cls_name == "DagsterExecutionInterruptedError"


def _first_cause(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    while error is not None and error.cause is not None:
        error = error.cause
    return error
