"""Run the nightly job in this process: the same job that the schedule and the UI start."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.arrival.pending import Request
from orchestration.core.progress import reporting_to
from orchestration.core.settings import Settings
from orchestration.defs.automation.stretches import Stretch
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.names import NIGHTLY
from orchestration.defs.orphaned_runs import fail_orphaned_runs
from orchestration.monitoring.runs import Stopped
from orchestration.nightly.console import ConsoleReporter

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult, JobDefinition

KEPT_LOGS = 30


def run_nightly(settings: Settings, plan: Sequence[Stretch], request: Request, log: Path) -> list[Stopped]:
    """Pull each stretch, the last one with all downstream steps; returns the steps that failed.

    `request` says where the dumps are and which files count. Progress goes to the terminal, output of the
    tools to `log`.
    Raises KeyboardInterrupt when a step was interrupted.
    """
    prepare_dagster_home(settings.dagster_home)
    # Most objects live as long as the run: collecting after every 700 of them costs 8 % of a small night.
    gc.set_threshold(50_000, 20, 20)
    with (
        closing(ConsoleReporter(Console(file=sys.stdout))) as watcher,
        reporting_to(watcher),
        log.open("a", encoding="utf-8") as stream,
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        from dagster import DagsterInstance

        from orchestration.defs.composition import build_definitions
        from orchestration.defs.outcomes import stopped_steps

        job = build_definitions(settings).resolve_job_def(NIGHTLY)
        with DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            fail_orphaned_runs(instance)
            for stretch in plan[:-1]:
                result = _execute(job, instance, stretch, request, with_warehouse=False)
                if not result.success:
                    return stopped_steps(result)
            result = _execute(job, instance, plan[-1] if plan else None, request, with_warehouse=True)
            return stopped_steps(result)


def new_log(settings: Settings) -> Path:
    """Path of the log file for a new run; the last thirty are kept."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -KEPT_LOGS + 1]:
        old.unlink()
    return folder / f"run-{datetime.now().astimezone():%Y%m%dT%H%M%S}.log"


def _execute(
    job: JobDefinition,
    instance: DagsterInstance,
    stretch: Stretch | None,
    request: Request,
    *,
    with_warehouse: bool,
) -> ExecuteInProcessResult:
    sources = stretch.sources if stretch else ()
    ops = {
        f"raw__{source}": {"config": {"dumps": request.dumps, "only": request.files_of(source)}}
        for source in sources
    }
    keys = job.asset_layer.selected_asset_keys
    return job.execute_in_process(
        run_config={"ops": ops},
        instance=instance,
        asset_selection=[
            key for key in keys if (key.path[1] in sources if key.path[0] == "raw" else with_warehouse)
        ],
        tags=stretch.tags if stretch else {},
        raise_on_error=False,
    )
