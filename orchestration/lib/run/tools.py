"""Other programs on the same state: dbt, and Dagster's web interface."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from orchestration.lib.build.by_hand import REBUILDS, parse, run_by_hand
from orchestration.lib.build.dbt import dbt_environment, dbt_executable, staging_exclusion
from orchestration.lib.build.warehouse import open_warehouse
from orchestration.lib.lock import writer_lock
from orchestration.lib.run.instance import prepare_dagster_home
from orchestration.lib.sources.configured import configured_sources, dbt_sources
from orchestration.settings import PROJECT_ROOT, Settings


def dbt_command(settings: Settings, arguments: list[str], *, force: bool = False) -> int:
    """Run dbt as a nightly build would, with no other writer beside it; returns its exit code.

    Raises:
        EnvironmentStop: the warehouse is damaged.
        InputError: without `force`, a command after which parts of the warehouse might not fit each other.
    """
    sources = configured_sources(settings)
    told = dbt_sources(settings, sources)
    variables = dbt_environment(settings, told)
    command = parse(arguments, variables)
    # A night leaves it out, too: it has no rows to be built from.
    left_out = staging_exclusion(settings.dbt_project, sources) if command.name in REBUILDS else []
    excluded = [f"--exclude={folder}" for folder in left_out]
    run = partial(_wait, [dbt_executable(), *arguments, *excluded], variables)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings.home):
        if settings.warehouse.exists():
            with open_warehouse(settings):
                pass
        if command.only_reads:
            return run()
        return run_by_hand(settings, sources, told, command, run, force=force)


def ui_command(settings: Settings, arguments: list[str]) -> int:
    """Run `dagster dev` on our definitions until it is stopped; returns its exit code."""
    prepare_dagster_home(settings.dagster_home)
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-m", "orchestration.definitions"]
    return _wait([*command, *arguments], {})


def _wait(command: list[str], variables: dict[str, str]) -> int:
    """Run a program in the project's folder; an interrupt is the program's to handle."""
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=os.environ | variables) as process:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
