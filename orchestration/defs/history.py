"""Dagster's history of runs, pruned to what people look at."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from orchestration.compat.dagster_leftovers import remove_leftovers
from orchestration.defs.instance import KEPT_FAILED_RUNS, KEPT_RUNS

PRUNED_AT_ONCE = 100
KEPT: dict[DagsterRunStatus, timedelta] = {
    DagsterRunStatus.SUCCESS: KEPT_RUNS,
    DagsterRunStatus.CANCELED: KEPT_RUNS,
    DagsterRunStatus.FAILURE: KEPT_FAILED_RUNS,
}


def prune_history(instance: DagsterInstance, dagster_home: Path, now: datetime) -> int:
    """Remove old runs, a limited number of each kind at a time; returns how many.

    Files of runs that are no longer in the history go too, whoever deleted these.
    """
    pruned = 0
    for status, kept in KEPT.items():
        filters = RunsFilter(statuses=[status], created_before=now - kept)
        for run_id in instance.get_run_ids(filters, limit=PRUNED_AT_ONCE):
            instance.delete_run(run_id)
            pruned += 1
    remove_leftovers(dagster_home, instance.get_run_ids)
    return pruned
