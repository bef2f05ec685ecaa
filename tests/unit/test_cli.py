"""The door: exit codes, messages, and nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from unit.publish_home import let_through, make_home

from orchestration.core.lock import writer_lock
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.release import publish

# Each command is a process that imports what it needs.
pytestmark = pytest.mark.slow


def aipl(home: Path, *arguments: str, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person would, `before` it some Python."""
    environment = {**os.environ, "AIPL_HOME": str(home), **more}
    command = [sys.executable, "-c", f"{before}\nfrom orchestration.cli import main; main()", *arguments]
    return subprocess.run(
        command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings)
    return tmp_path


def test_help_names_the_commands_and_imports_nothing_heavy(tmp_path: Path) -> None:
    modules = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    answer = aipl(tmp_path, "--help", before=modules)
    assert answer.returncode == 0
    assert {"run", "status", "query", "sources"} <= set(answer.stdout.split())
    assert "orchestration.cli" in answer.stderr
    assert not {"dagster", "dbt", "duckdb", "pyarrow", "great_expectations"} & set(answer.stderr.split())
    for group in ("", "alerts", "releases"):
        assert not re.search(r"\w\.\.\.", aipl(tmp_path, *group.split(), "--help").stdout)


def test_the_dashboard_is_opened_on_this_home(tmp_path: Path) -> None:
    shown = "print(os.environ['AIPL_HOME'], *command[1:], cwd) or 0"
    before = (
        "import os, sys; from orchestration.commands import tools;"
        f" tools.run_until_stopped = lambda command, cwd: {shown}"
    )
    answer = aipl(tmp_path, "dashboard", "--server.port=9000", before=before)
    assert answer.stdout == f"{tmp_path} -m dashboard --server.port=9000 {PROJECT_ROOT}\n", answer.stderr
    before = "from orchestration.commands import tools; tools.find_spec = lambda name: None"
    answer = aipl(tmp_path, "dashboard", before=before)
    assert answer.returncode == 2 and "make dashboard" in answer.stderr


def test_query_answers_in_every_format(home: Path) -> None:
    sql = "select max(persons) as n from fct_fast"
    assert aipl(home, "query", sql).stdout == "n\n-\n7\n"
    assert aipl(home, "query", sql, "--format", "csv").stdout == "n\n7\n"
    assert json.loads(aipl(home, "query", sql, "--format", "json").stdout) == [{"n": 7}]
    target = home / "out.parquet"
    assert aipl(home, "query", sql, "--format", "parquet", "--output", str(target)).returncode == 0
    assert target.read_bytes()[:4] == b"PAR1"


def test_status_names_horizon_and_stale_sources_and_that_there_is_no_release(home: Path) -> None:
    text = aipl(home, "status").stdout
    assert "lumen: complete through 2024-01-31" in text
    assert "stale: old_shop: no dump since 2024-01-01" in text
    answer = aipl(home / "empty", "status")
    assert answer.returncode == 0
    assert "Release: none. There is no release in" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["query", "drop table fct_fast"], "exactly one SELECT"),
        (["query", "select * from nowhere"], "nowhere"),
        (["run", "--source", "no_such_shop"], "There is no source no_such_shop"),
        (["run", "--source", "olist"], "--dumps"),
        (["run", "--source", "olist", "--dumps", "/no/such/folder"], "/no/such/folder"),
        (["run", "--dumps", "."], "--dumps requires --source"),
        (["run", "--date", "2024-01-01", "--to", "2024-01-02"], "Use either --date"),
        (["run", "--from", "2024-01-03", "--to", "2024-01-02"], "--from must not be after --to"),
        (["run", "--date", "yesterday"], "yesterday"),
        (["sources"], "shop"),
    ],
)
def test_bad_input_ends_with_2_and_without_a_traceback(
    home: Path, arguments: list[str], message: str
) -> None:
    (home / "broken.yml").write_text("sources: {shop: {feed: hourly}}")
    broken = {"AIPL_SOURCES": str(home / "broken.yml")} if arguments == ["sources"] else {}
    answer = aipl(home, *arguments, **broken)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_crash_ends_with_1_one_line_and_a_log(home: Path) -> None:
    manifest = (home / "published" / "current").resolve() / "manifest.json"
    manifest.unlink()
    manifest.write_text("{}")
    answer = aipl(home, "status")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Crash: KeyError")
    assert "Traceback" not in answer.stderr
    assert "Traceback" in (home / "logs" / "crash.log").read_text()


def test_the_reader_of_a_pipe_may_leave(home: Path) -> None:
    code = "from orchestration.cli import main; main()"
    sql = "select range as n from range(200000)"
    command = f"{sys.executable} -c '{code}' query '{sql}' --format csv | head -1"
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "AIPL_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "n\n", "")


def test_a_run_beside_another_is_refused_or_waits(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        for more in ([], ["--wait", "0.001"]):
            answer = aipl(tmp_path, "run", *more)
            assert answer.returncode == 2
            assert f"is being written by process {os.getpid()}, since 20" in answer.stderr
    assert "Waiting up to 0.001 minutes" in answer.stdout


def test_a_full_disk_ends_with_2_and_says_where(home: Path) -> None:
    """Whatever a command writes: here nothing but the manifest of an empty home."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    answer = aipl(home / "empty", "run", before=limit)
    assert answer.returncode == 2, answer.stderr
    assert "Error: There is no room to write" in answer.stderr and "Traceback" not in answer.stderr
