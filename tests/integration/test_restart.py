"""Dagster's daemon, killed with all that it runs and started again: the night is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from test_dagster_run import SLOW
from tiny_project import money
from waiting import wait_for

from orchestration.build.state import is_untouched, read_build
from orchestration.core.settings import Settings
from orchestration.core.under_way import under_way
from orchestration.defs.instance import prepare_dagster_home
from orchestration.nightly.status import status_text
from orchestration.publish.release import read_current

HERE = Path(__file__).parent
MOMENT = datetime(2024, 1, 4, tzinfo=UTC)


@contextmanager
def daemon(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon with the tiny project, in a group of its own with all that it starts."""
    environment = {
        **os.environ,
        "AIPL_TINY_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.dagster_home),
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
    }
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "tiny_definitions"]
    log = (settings.home / "daemon.log").open("ab")
    running = subprocess.Popen(
        command, env=environment, cwd=HERE, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield running
    finally:
        kill(running)


def kill(running: subprocess.Popen[bytes]) -> None:
    """Until nothing of the group is left; what its leader started is not ours to wait for."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        wait_for(lambda: os.killpg(running.pid, 0) is not None)


def step(settings: Settings) -> str:
    running = under_way(settings.home)
    return running.step if running else ""


def statuses(settings: Settings) -> list[str]:
    """Of all runs, the latest first."""
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        return [run.status.value for run in instance.get_runs()]


def test_a_machine_that_goes_down_in_dbt_or_in_publishing_costs_no_night(settings: Settings) -> None:
    prepare_dagster_home(settings.dagster_home)
    slow = settings.dbt_project / "models" / "marts" / "slow.sql"
    slow.write_text(SLOW)
    with daemon(settings) as first:
        wait_for(lambda: step(settings).startswith("warehouse"))
        wait_for(settings.warehouse.exists)
        told = status_text(settings)
        assert "Under way: process" in told and "  at warehouse" in told and "To do" not in told
        kill(first)
    told = status_text(settings)
    assert "Under way" not in told and "did not finish" in told
    assert "  east: 2 loads, 2024-01-02 to 2024-01-03, not published" in told
    slow.unlink()

    waiting = settings.home / "publish-slowly"
    waiting.touch()
    with daemon(settings) as second:
        wait_for(lambda: waiting.read_text() == "written")
        kill(second)
    assert read_current(settings) is None
    assert "a build, because the last build has not been published" in status_text(settings)
    waiting.unlink()

    with daemon(settings):
        wait_for(lambda: statuses(settings) == ["SUCCESS", "FAILURE", "FAILURE"])
    assert money(settings) == {"east": 60, "west": 10}
    assert is_untouched(settings, read_build(settings))
    assert "To do" not in status_text(settings, MOMENT)
