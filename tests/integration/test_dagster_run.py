"""`aipl run` on a tiny project: what it says, how it ends, and what kills and faults leave behind."""

from __future__ import annotations

import http.server
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus, build_sensor_context
from tiny_project import deliver, money
from unit.test_lock import held
from waiting import wait_for

from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.arrival.pending import Request
from orchestration.build.failures import explain_failure
from orchestration.build.prepared import prepare_manifest
from orchestration.build.state import is_untouched, read_build
from orchestration.commands.tools import dbt_command
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.lock import writer_lock
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.defs import orphaned_runs as dead_runs
from orchestration.defs.automation.nightly import automation
from orchestration.defs.instance import prepare_dagster_home
from orchestration.nightly import run as run_nightly
from orchestration.nightly.rebuild import rebuild
from orchestration.nightly.run import run_new
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.release import publish, read_current
from orchestration.publish.rollback import rollback

CHILD = """
import sys
from datetime import date
from pathlib import Path
from unit.publish_home import HomeSettings
from verdicts import verdict
from orchestration import cli
from orchestration.quality import mart_gate as run_gate
from orchestration.arrival.pending import Request
from orchestration.nightly.run import run_new
run_gate.run_marts = lambda *_, **__: verdict("dim_brand")
home = Path(sys.argv[1])
sys.exit(cli._guarded(lambda: run_new(HomeSettings(home, home / "sources.yml"), Request(), print)))
"""
# A model that is at work for as long as anybody waits, behind another one that is built.
SLOW = "select count(*) as n from range(100000) as a, range(100000000) as b -- {{ ref('int_rejects') }}"
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


def run(settings: Settings, **asked: object) -> tuple[int, str]:
    said: list[str] = []
    code = run_new(settings, Request(**asked), said.append)  # type: ignore[arg-type]
    return code, "\n".join(said)


def start_slow(settings: Settings) -> tuple[Path, subprocess.Popen[str]]:
    """A run in a process of its own that is busy with a slow model, and the file of that."""
    slow = settings.dbt_project / "models" / "marts" / "slow.sql"
    slow.write_text(SLOW)
    here = Path(__file__).parent
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.home)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return slow, child


def dbt_log(settings: Settings) -> str:
    """What dbt wrote down in all of its runs."""
    return "".join(path.read_text() for path in (settings.dbt_target / "runs").glob("*/dbt.log"))


def built_tables(settings: Settings) -> set[str]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}


def is_free(warehouse: Path) -> bool:
    try:
        duckdb.connect(str(warehouse), read_only=True).close()
    except duckdb.IOException:
        return False
    return True


def test_all_that_is_new_then_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(settings)
    assert code == 0
    assert "east" in text and "2024-01-02  2024-01-03" in text
    assert "Release: " in text
    older = read_current(settings)
    deliver(settings, "east", 4, [7])
    assert run(settings)[0] == 0
    release = read_current(settings)
    assert older and release and older != release

    def must_not_start(*_: object) -> None:
        raise AssertionError("nothing is new, and yet Dagster was started")

    monkeypatch.setattr(run_nightly, "run_nightly", must_not_start)
    assert run(settings) == (0, f"Nothing is new. Release {release.release_id} is current.")
    rollback(settings, older.release_id)
    code, text = run(settings)
    assert code == 0 and text.startswith(f"Nothing is new. Release {older.release_id} is current.\n")
    assert f"withdrawn: {release.release_id}" in text
    assert publish(settings).release_id == older.release_id


def test_one_source_and_one_day_then_dumps_from_another_place(settings: Settings, tmp_path: Path) -> None:
    day = date(2024, 1, 2)
    assert run(settings, source="west", first=day, last=day)[0] == 0
    assert money(settings) == {"east": None, "west": 5}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "orders-2024-01-05.csv").write_text("order_id,amount\nx,7\n")
    assert run(settings, source="west", dumps=str(elsewhere))[0] == 0
    assert money(settings) == {"east": None, "west": 12}


def test_a_day_without_one_of_its_tables_is_refused_until_it_comes(settings: Settings) -> None:
    declared = settings.sources_file.read_text()
    lines = "lines: {files: 'lines-{load_date}.csv', format: csv, columns: {required: [line_id]}}"
    settings.sources_file.write_text(declared.replace("  west:", f"      {lines}\n  west:"))
    folder = settings.home / "dumps" / "east"
    (folder / "lines-2024-01-02.csv").write_text("line_id\n1\n")
    code, text = run(settings)
    assert code == 3
    assert "Refused: load 2024-01-03 of east" in text and "lines" in text
    (folder / "lines-2024-01-03.csv").write_text("line_id\n1\n")
    assert run(settings)[0] == 0
    assert read_current(settings).manifest["stale_sources"] == {}


def test_dbt_by_hand_keeps_the_build_and_after_a_change_asks_for_force(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(settings)[0] == 0
    build = read_build(settings)
    for reads in ("ls", "--quiet test", "--log-level debug show --select dim_brand"):
        assert dbt_command(settings, reads.split()) == 0
        assert read_build(settings) == build and is_untouched(settings, build)
    deliver(settings, "east", 4, [7])
    assert dbt_command(settings, ["--log-level", "debug", "run", "--select", "dim_brand"]) == 0
    assert is_untouched(settings, read_build(settings)), "dumps that nobody brought in are not pending"
    assert dbt_command(settings, ["build"]) == 0, "the staging of no source is left out"
    assert is_untouched(settings, read_build(settings))
    assert dbt_command(settings, ["build", "--selector", "nobody"]) != 0
    assert is_untouched(settings, read_build(settings)), "dbt stopped before it wrote anything"

    model = settings.dbt_project / "models" / "marts" / "dim_brand.sql"
    model.write_text(model.read_text() + "-- changed")
    with pytest.raises(InputError, match=r"SQL.*aipl run.*--force"):
        dbt_command(settings, ["run", "--select", "dim_brand"])
    assert is_untouched(settings, read_build(settings))
    assert dbt_command(settings, ["run", "--select", "dim_brand"], force=True) == 0
    assert read_build(settings).state == "building"
    capfd.readouterr()
    assert run(settings)[0] == 0
    assert "in full: " in (said := capfd.readouterr().out) and "because the last build did not finish" in said
    assert money(settings) == {"east": 67, "west": 10}


def test_a_killed_run_takes_its_dbt_along_and_the_next_one_is_whole(settings: Settings) -> None:
    slow, child = start_slow(settings)
    try:
        wait_for(lambda: "START sql table model marts.slow" in dbt_log(settings))
    finally:
        child.kill()
        child.wait()
    # The last thread of a killed process may let go of the file after the process counts as dead.
    wait_for(lambda: is_free(settings.warehouse))
    build = read_build(settings)
    assert build is not None and build.state == "building"
    assert {"int_rejects"} <= built_tables(settings)
    assert "slow" not in built_tables(settings), "its dbt went on and committed"

    slow.unlink()
    code, _ = run(settings)
    assert code == 0
    assert "slow" not in built_tables(settings)
    assert money(settings) == {"east": 60, "west": 10}
    with DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        states = sorted(record.status.value for record in instance.get_runs())
    assert states == [DagsterRunStatus.FAILURE.value, DagsterRunStatus.SUCCESS.value]


def test_an_interrupted_run_leaves_cleanly(settings: Settings) -> None:
    slow, child = start_slow(settings)
    try:
        wait_for(lambda: "START sql table model marts.slow" in dbt_log(settings))
        os.killpg(child.pid, signal.SIGINT)
        output, errors = child.communicate(timeout=120)
    finally:
        child.kill()
    assert child.returncode == 130, output + errors
    assert "Traceback" not in output + errors
    slow.unlink()
    assert run(settings)[0] == 0


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


def test_a_full_disk_while_dbt_parses_and_its_cure(settings: Settings) -> None:
    sources = dbt_sources(settings, configured_sources(settings))
    shutil.rmtree(settings.dbt_target, ignore_errors=True)
    with no_file_larger_than(20_000), pytest.raises(EnvironmentStop, match="There is no room to write"):
        prepare_manifest(settings, sources)
    assert json.loads(prepare_manifest(settings, sources).read_text())["nodes"]


def test_dumps_of_no_table_are_named_when_nothing_is_new(settings: Settings) -> None:
    assert run(settings)[0] == 0
    (settings.home / "dumps" / "east" / "orders_2024_01_04.csv").write_text("order_id,amount\n1,1\n")
    code, text = run(settings)
    assert code == 0
    assert "Warning: orders_2024_01_04.csv matches no table of east and is not read.\nNothing is new." in text


def test_a_listing_that_is_none_costs_its_own_source(settings: Settings) -> None:
    class Script(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<script src='list.js'></script>" if self.command == "GET" else b"")

        do_HEAD = do_GET

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = f"http://127.0.0.1:{server.server_port}/west/"
        declared = settings.sources_file.read_text()
        settings.sources_file.write_text(declared.replace("${AIPL_HOME}/dumps/west", page))
        code, text = run(settings)
        assert code == 2
        assert f"Skipped: dumps: {page} cannot be listed: it is a page without links" in text
        assert money(settings)["east"] == 60
        code, text = run(settings)
        server.shutdown()
    assert code == 2, "it is told until it is mended"
    assert "Skipped: " in text and "Nothing is new." in text


def test_rejects_of_a_build_that_a_law_stopped_are_told(settings: Settings) -> None:
    deliver(settings, "east", 2, [10, "ten"])
    deliver(settings, "east", 3, [-1000])
    code, text = run(settings)
    assert code == 3, text
    assert "Rejected in staging: 1 row (orders.amount amount is no number 1)" in text
    assert find_rejects(settings, Selection()).by_reason() == {
        ("east", "orders", "amount", "staging", "amount is no number"): 1
    }


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
        with held(settings.home):
            assert look() is DagsterRunStatus.STARTED, "somebody is at work"
        assert look() is DagsterRunStatus.FAILURE
    with writer_lock(settings.home):
        pass
