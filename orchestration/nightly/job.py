"""Run the nightly job in this process: the same job that the schedule and the UI start."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import date, datetime
from pathlib import Path

from rich.console import Console

from orchestration.arrival.pending import Request
from orchestration.core.progress import reporting_to
from orchestration.core.settings import Settings
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.names import NIGHTLY
from orchestration.monitoring.runs import Stopped
from orchestration.nightly.console import ConsoleReporter

KEPT_LOGS = 30


def run_nightly(
    settings: Settings, load_dates: Mapping[str, Sequence[date]], request: Request, log: Path
) -> list[Stopped]:
    """Pull these load dates, by source, and do all that follows; returns the steps that failed.

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
        from orchestration.defs.orphaned_runs import fail_orphaned_runs
        from orchestration.defs.outcomes import BY_HAND, stopped_steps
        from orchestration.defs.raw.assets import raw_config

        job = build_definitions(settings).resolve_job_def(NIGHTLY)
        with DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            fail_orphaned_runs(settings, instance)
            keys = job.asset_layer.selected_asset_keys
            rest = {key for key in keys if key.path[0] != "raw"}
            raw = {key for key in keys - rest if key.path[1] in load_dates}
            result = job.execute_in_process(
                run_config=raw_config(load_dates, request),
                instance=instance,
                asset_selection=list(raw | rest),
                tags=BY_HAND,
                raise_on_error=False,
            )
            return stopped_steps(result)


def new_log(settings: Settings) -> Path:
    """Path of the log file for a new run; the last thirty are kept."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -KEPT_LOGS + 1]:
        old.unlink()
    return folder / f"run-{datetime.now().astimezone():%Y%m%dT%H%M%S}.log"
