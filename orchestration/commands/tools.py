"""Other programs on the same state: dbt, Dagster's web interface, and the dashboard."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec

from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.build.by_hand import REBUILDS, parse, run_by_hand
from orchestration.build.dbt import dbt_environment, environment, staging_exclusion
from orchestration.build.failures import broken_law_lines
from orchestration.build.warehouse import open_warehouse
from orchestration.core.errors import InputError
from orchestration.core.lock import ui_lock, writer_lock
from orchestration.core.process_group import run_until_stopped
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs.instance import prepare_dagster_home


def dbt_command(settings: Settings, arguments: list[str], *, force: bool = False) -> int:
    """Run dbt with the settings of a nightly build, under the writer lock; returns its exit code.

    Raises:
        EnvironmentStop: the warehouse is damaged.
        InputError: without `force`, for a command that could leave the warehouse inconsistent.
    """
    sources = configured_sources(settings)
    told = dbt_sources(settings, sources)
    variables = dbt_environment(settings, told)
    command = parse(arguments, variables)
    # The nightly build excludes it too: it has no input rows.
    left_out = staging_exclusion(settings.dbt_project, sources) if command.name in REBUILDS else []
    excluded = [f"--exclude={folder}" for folder in left_out]
    run = partial(_dbt, settings, [*arguments, *excluded], variables)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings.home):
        if settings.warehouse.exists():
            with open_warehouse(settings):
                pass
        if command.only_reads:
            return run()
        return run_by_hand(settings, sources, told, command, run, force=force)


def _dbt(settings: Settings, arguments: list[str], variables: dict[str, str]) -> int:
    """dbt's own command line, in this process; returns its exit code."""
    if arguments == ["--version"]:
        # dbt's own version command asks the package index for newer versions.
        print(f"dbt-core {version('dbt-core')}")
        return 0
    from dbt.cli.main import cli

    before, code = _written(settings), 0
    with environment(variables):
        try:
            cli.main(arguments, prog_name="aipl dbt --")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    # dbt names the failed test, not the law that was broken.
    if code != 0 and _written(settings) != before:
        print("\n".join(broken_law_lines(settings, settings.dbt_target)))
    return code


def ui_command(settings: Settings, arguments: list[str]) -> int:
    """Run `dagster dev` with our definitions until stopped; returns its exit code.

    Raises InputError while another `aipl ui`, or an erasure, is active on this home.
    """
    prepare_dagster_home(settings.dagster_home)
    # It recommends a tool for those who develop with Dagster, not for those who use what they made.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    command = [sys.executable, *quiet, "-m", "dagster", "dev", "-m", "orchestration.definitions"]
    with ui_lock(settings.home):
        return run_until_stopped([*command, *arguments], PROJECT_ROOT)


def dashboard_command(settings: Settings, arguments: list[str]) -> int:
    """Run the dashboard on this home until stopped; returns its exit code.

    Raises InputError where its packages are not installed.
    """
    if find_spec("streamlit") is None:
        raise InputError(
            "The packages of the dashboard are not installed. In a checkout, `make dashboard` installs and"
            " starts it; elsewhere, install aipl-warehouse[bi]."
        )
    # It runs in another folder than the one that a relative path starts from.
    os.environ["AIPL_HOME"] = str(settings.home)
    return run_until_stopped([sys.executable, "-m", "dashboard", *arguments], PROJECT_ROOT)


def _written(settings: Settings) -> int | None:
    """When dbt last wrote its results; None if it never did."""
    results = settings.dbt_target / "run_results.json"
    return results.stat().st_mtime_ns if results.exists() else None
