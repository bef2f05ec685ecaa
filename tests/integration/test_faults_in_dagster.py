"""Faults in a real run: dbt on a full disk, damaged raw and its cure, a run that nobody ended."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus, build_sensor_context
from test_dagster_run import run
from tiny_project import deliver_two_days, make_tiny, money
from verdicts import judge_with

from orchestration.build.failures import explain_failure
from orchestration.core.errors import EnvironmentStop
from orchestration.core.lock import writer_lock
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs import orphaned_runs as dead_runs
from orchestration.defs.automation.nightly import automation
from orchestration.defs.instance import prepare_dagster_home
from orchestration.nightly.rebuild import rebuild

WIDE = "select range as n, hash(range) as h from range(2000000) -- {{ ref('int_rejects') }}"
DEAD_RUN = """
import os, signal, sys
from dagster import DagsterInstance, job, op

@op
def dies():
    os.kill(os.getpid(), signal.SIGKILL)

@job
def nightly():
    dies()

with DagsterInstance.from_config(sys.argv[1]) as instance:
    nightly.execute_in_process(instance=instance)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One home for the tests here, each of which leaves it whole."""
    settings = make_tiny(tmp_path_factory.mktemp("home"))
    deliver_two_days(settings)
    with pytest.MonkeyPatch.context() as patch:
        judge_with(patch)
        yield settings


def damage_pages(path: Path) -> None:
    """Write over the middle of a file and leave its size and its footer alone."""
    with path.open("r+b") as stream:
        stream.seek(60)
        stream.write(b"\xff" * 100)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """A quota on this process and its children."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_dbt_on_a_full_disk_then_damaged_raw_and_its_cure(settings: Settings) -> None:
    (settings.dbt_project / "models" / "marts" / "wide.sql").write_text(WIDE)
    with no_file_larger_than(6_000_000):
        code, text = run(settings)
    assert code == 2, text
    assert f"There is no room to write {settings.warehouse}" in text and "File too large" in text

    for path in settings.raw.glob("east/orders/load_date=2024-01-02/*.parquet"):
        damage_pages(path)
    said: list[str] = []
    assert rebuild(settings, said.append) == 0, said
    assert money(settings) == {"east": 60, "west": 10}
    assert "Nothing is new" in run(settings)[1]


def test_damaged_pages_in_raw_are_named_with_their_cure(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    sound, damaged = settings.raw / "a.parquet", settings.raw / "b.parquet"
    settings.raw.mkdir()
    for path in (sound, damaged):
        duckdb.sql("select md5(range::varchar) as a from range(5000)").write_parquet(
            str(path), compression="zstd"
        )
    damage_pages(damaged)
    with pytest.raises(duckdb.Error) as failure:
        duckdb.sql(f"select count(distinct a) from '{damaged}'").fetchall()
    node = {"unique_id": "model.tiny.stg", "status": "error", "message": str(failure.value)}
    (tmp_path / "run_results.json").write_text(json.dumps({"results": [node]}))
    error = explain_failure(settings, tmp_path, 1)
    assert isinstance(error, EnvironmentStop)
    assert str(damaged) in str(error) and str(sound) not in str(error) and "aipl rebuild" in str(error)


def test_a_dead_run_is_declared_failed_once_nobody_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path, PROJECT_ROOT / "sources.yml")
    prepare_dagster_home(settings.dagster_home)
    command = [sys.executable, "-c", DEAD_RUN, str(settings.dagster_home)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    with DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        assert not instance.run_launcher.supports_check_run_worker_health, "the sensor is not needed any more"
        sensors = {sensor.name: sensor for sensor in automation(settings, {}, []).sensors or []}

        def look() -> DagsterRunStatus:
            sensors["dead_runs"].evaluate_tick(build_sensor_context(instance))
            (record,) = instance.get_runs()
            return record.status

        assert look() is DagsterRunStatus.STARTED, "it may be about to take the lock"
        monkeypatch.setattr(dead_runs, "SILENT_SECONDS", 0.0)
        hold = "import sys; from pathlib import Path; from orchestration.core.lock import writer_lock as l"
        hold += "\nwith l(Path(sys.argv[1])): print(1, flush=True); sys.stdin.read()"
        holder = subprocess.Popen(
            [sys.executable, "-c", hold, str(settings.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        assert look() is DagsterRunStatus.STARTED, "somebody is at work"
        holder.communicate(b"")
        assert look() is DagsterRunStatus.FAILURE
    with writer_lock(settings.home):
        pass
