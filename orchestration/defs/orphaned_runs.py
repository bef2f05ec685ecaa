"""Runs that a killed process left as started: they would hold up the queue for ever.

Dagster's run monitor asks the launcher whether a worker is alive, and the launcher of local processes cannot
tell. The writer's lock can: a run holds it as long as its process lives.
"""

from __future__ import annotations

import time

from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from orchestration.core.errors import HomeBusy
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.core.under_way import last_step

# A run is not holding the lock yet just after it started, and no more just before it is done.
SILENT_SECONDS = 60.0


def fail_orphaned_runs(settings: Settings, instance: DagsterInstance, silent_seconds: float = 0) -> list[str]:
    """Mark unfinished runs as failed that said nothing for so long; returns their ids.

    The caller must hold the writer's lock: then no other run can be active.
    """
    dead = [run for run in _unfinished(instance) if _silence(instance, run) >= silent_seconds]
    for run in dead:
        step = last_step(settings.home, run.dagster_run.run_id)
        at = f" It was at {step}." if step else ""
        instance.report_run_failed(run.dagster_run, f"The process of this run has ended.{at}")
    return [run.dagster_run.run_id for run in dead]


def fail_orphaned_runs_if_idle(settings: Settings, instance: DagsterInstance) -> list[str]:
    """The same from outside a run: only while nobody holds the lock, and after a minute of silence."""
    # The lock is taken only where there is something to decide, or it would turn away runs that start.
    if not any(_silence(instance, run) >= SILENT_SECONDS for run in _unfinished(instance)):
        return []
    try:
        with writer_lock(settings.home):
            return fail_orphaned_runs(settings, instance, SILENT_SECONDS)
    except HomeBusy:
        return []


def _unfinished(instance: DagsterInstance) -> list[RunRecord]:
    unfinished = [
        # Of a sensor that was killed before it handed the run on.
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ]
    return list(instance.get_run_records(RunsFilter(statuses=unfinished)))


def _silence(instance: DagsterInstance, run: RunRecord) -> float:
    """Seconds since the last event of a run, or since it was created."""
    records = instance.get_records_for_run(run.dagster_run.run_id, limit=1, ascending=False).records
    last = records[0].event_log_entry.timestamp if records else run.create_timestamp.timestamp()
    return time.time() - last
