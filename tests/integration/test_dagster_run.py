"""`aipl run` on a tiny project: what it says, how it ends, and what a kill leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from tiny_project import deliver, money
from verdicts import judge_with
from waiting import wait_for

from orchestration.arrival.pending import Request
from orchestration.build.state import is_untouched, read_build
from orchestration.commands.tools import dbt_command
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.nightly import run as run_nightly
from orchestration.nightly.run import run_new
from orchestration.publish.release import Release, publish, read_current
from orchestration.publish.releases import sealed
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


def run(settings: Settings, **asked: object) -> tuple[int, str]:
    said: list[str] = []
    code = run_new(settings, Request(**asked), said.append)  # type: ignore[arg-type]
    return code, "\n".join(said)


def start_child(settings: Settings) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.home)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


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


def older_release(release: Release) -> str:
    """Put a release of another build before this one; returns its id."""
    folder = shutil.copytree(release.folder, release.folder.with_name("20200101T000000Z-00000000"))
    manifest = folder / "manifest.json"
    manifest.unlink()
    said = {**release.manifest, "release_id": folder.name, "build_id": "0" * 64}
    manifest.write_text(json.dumps(sealed(said)))
    return folder.name


def test_all_that_is_new_then_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(settings)
    assert code == 0
    assert "east" in text and "2024-01-02  2024-01-03" in text
    assert "Release: " in text
    release = read_current(settings)
    assert release is not None

    def must_not_start(*_: object) -> None:
        raise AssertionError("nothing is new, and yet Dagster was started")

    monkeypatch.setattr(run_nightly, "run_nightly", must_not_start)
    code, text = run(settings)
    assert (code, text) == (0, f"Nothing is new. Release {release.release_id} is current.")

    older = older_release(release)
    rollback(settings, older)
    code, text = run(settings)
    assert code == 0 and text.startswith(f"Nothing is new. Release {older} is current.\n")
    assert f"withdrawn: {release.release_id}" in text
    assert publish(settings).release_id == older


def test_one_source_and_one_day(settings: Settings) -> None:
    from datetime import date

    code, _ = run(settings, source="west", first=date(2024, 1, 2), last=date(2024, 1, 2))
    assert code == 0
    assert money(settings) == {"east": None, "west": 5}


def test_dumps_from_another_place(settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "orders-2024-01-05.csv").write_text("order_id,amount\nx,7\n")
    code, _ = run(settings, source="west", dumps=str(elsewhere))
    assert code == 0
    assert money(settings) == {"east": None, "west": 7}


def test_a_file_without_a_declared_column_is_bad_input_and_others_go_on(settings: Settings) -> None:
    (settings.home / "dumps" / "east" / "orders-2024-01-03.csv").write_text("order_id\n1\n")
    code, text = run(settings)
    assert code == 2
    assert "Refused: load 2024-01-03 of east" in text
    assert "amount" in text
    assert money(settings) == {"east": 30, "west": 10}


def test_a_corrected_declaration_lets_in_what_a_wrong_one_refused(settings: Settings) -> None:
    deliver(settings, "east", 3, ["", ""])
    declared = settings.sources_file.read_text()
    settings.sources_file.write_text(declared.replace("not_null: [order_id]", "not_null: [order_id, amount]"))
    code, text = run(settings)
    assert code == 3
    assert "Refused: load 2024-01-03 of east" in text and "amount" in text
    assert "Nothing is new" in run(settings)[1], "the same contract is not asked twice"
    settings.sources_file.write_text(declared)
    assert run(settings)[0] == 0
    assert read_current(settings).manifest["stale_sources"] == {}


def test_a_day_without_one_of_its_tables_is_refused_until_it_comes(settings: Settings) -> None:
    declared = settings.sources_file.read_text()
    more = (
        "      lines: {files: 'lines-{load_date}.csv', format: csv, columns: {required: [line_id]}}\n  west:"
    )
    settings.sources_file.write_text(declared.replace("  west:", more))
    folder = settings.home / "dumps" / "east"
    (folder / "lines-2024-01-02.csv").write_text("line_id\n1\n")
    code, text = run(settings)
    assert code == 3
    assert "Refused: load 2024-01-03 of east" in text and "lines" in text
    (folder / "lines-2024-01-03.csv").write_text("line_id\n1\n")
    assert run(settings)[0] == 0


def test_dbt_by_hand_keeps_the_build(settings: Settings) -> None:
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


def test_dbt_by_hand_after_a_change_asks_for_force(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(settings)[0] == 0
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
    assert money(settings) == {"east": 60, "west": 10}


def test_a_shut_gate_ends_with_3_and_says_what_failed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(settings)[0] == 0
    before = read_current(settings)
    assert before is not None
    judge_with(monkeypatch, "failed")
    deliver(settings, "east", 4, [1])
    code, text = run(settings)
    assert code == 3
    for said in ("money_known", "dim_brand", "1 of 2 rows", "brand_id=east", before.release_id):
        assert said in text
    assert read_current(settings) == before


def test_a_broken_law_ends_with_3_and_a_broken_model_with_1(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, "east", 3, [-100])
    code, text = run(settings)
    assert code == 3
    assert "money_is_not_negative" in text and "brand_id=east, money=-70" in text
    capsys.readouterr()
    assert dbt_command(settings, ["test", "--select", "dim_brand_laws"]) == 1
    told = "  dim_brand.money_is_owed_to_us: 1 row\n    brand_id=east, horizon=2024-01-03, money=-70\n"
    assert capsys.readouterr().out.endswith(told)
    with pytest.raises(click.UsageError):
        dbt_command(settings, ["test", "--select", "dim_brand_laws", "--no-such-option"])
    assert capsys.readouterr().out == ""
    (settings.dbt_project / "models" / "marts" / "dim_brand.sql").write_text("select 1 as x from nowhere")
    code, text = run(settings)
    assert code == 1
    assert "nowhere" in text and "log" in text


def test_a_killed_run_takes_its_dbt_along_and_the_next_one_is_whole(settings: Settings) -> None:
    slow = settings.dbt_project / "models" / "marts" / "slow.sql"
    slow.write_text(SLOW)
    child = start_child(settings)
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
    slow = settings.dbt_project / "models" / "marts" / "slow.sql"
    slow.write_text(SLOW)
    child = start_child(settings)
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
