"""Other programs on the same state: dbt, and Dagster's web interface."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.build.dbt import dbt_environment, environment
from orchestration.build.failures import broken_law_lines
from orchestration.build.rules import check_rules
from orchestration.build.state import read_build, write_build
from orchestration.build.warehouse import open_warehouse
from orchestration.core.lock import writer_lock
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs.instance import prepare_dagster_home

# dbt commands that change no table.
READS_ONLY = {"compile", "debug", "docs", "list", "ls", "parse", "show", "test", "--version", "--help"}


def dbt_command(settings: Settings, arguments: list[str]) -> int:
    """Run dbt as a nightly build would, with no other writer beside it; returns its exit code.

    Raises EnvironmentStop when the warehouse is damaged.
    """
    told = dbt_sources(settings, configured_sources(settings))
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings.home):
        if settings.warehouse.exists():
            with open_warehouse(settings):
                pass
        build = read_build(settings)
        if not READS_ONLY & set(arguments):
            check_rules(settings.dbt_project)
        if build and not READS_ONLY & set(arguments):
            # What dbt builds by hand is no build of ours: the next run starts from nothing.
            write_build(settings, replace(build, state="building"))
        before = _written(settings)
        with environment(dbt_environment(settings, told)):
            code = _dbt(arguments)
        # dbt names the test that failed, not which of its laws was broken.
        if code != 0 and _written(settings) != before:
            print("\n".join(broken_law_lines(settings, settings.dbt_target)))
        return code


def _dbt(arguments: list[str]) -> int:
    """dbt's own command line, in this process; returns its exit code."""
    if arguments == ["--version"]:
        # dbt's own answer asks the package index whether there is a newer one.
        print(f"dbt-core {version('dbt-core')}")
        return 0
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    try:
        cli.main(arguments, prog_name="aipl dbt --")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return 0


def ui_command(settings: Settings, arguments: list[str]) -> int:
    """Run `dagster dev` on our definitions until it is stopped; returns its exit code."""
    prepare_dagster_home(settings.dagster_home)
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-m", "orchestration.definitions"]
    return _wait([*command, *arguments])


def _written(settings: Settings) -> int | None:
    """When dbt last wrote its results; None if it never did."""
    results = settings.dbt_target / "run_results.json"
    return results.stat().st_mtime_ns if results.exists() else None


def _wait(command: list[str]) -> int:
    """Run a program in the project's folder; an interrupt is the program's to handle."""
    with subprocess.Popen(command, cwd=PROJECT_ROOT) as process:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
