"""Alerts of whole runs on a tiny project: every way of failing is told once, and over when it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from postgres_server import Server
from tiny_project import deliver
from tiny_project import run as run_in_dagster
from unit.alert_service import Webhook, webhook
from verdicts import judge_with, verdict

from expectations.results import GateResult
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.pending import Request
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.defs.composition import build_definitions
from orchestration.defs.orphaned_runs import fail_orphaned_runs
from orchestration.defs.outcomes import latest_outcome, observe_latest_run
from orchestration.nightly.run import run_new
from orchestration.publish.releases import current_id
from orchestration.quality import mart_gate


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as served:
        monkeypatch.setenv("TEAM", served.url)
        yield served


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    alerts_file = tmp_path / "alerts.yml"
    alerts_file.write_text("routes: {team: {to: TEAM}}\n")
    return replace(settings, alerts_file=alerts_file)


def run(settings: Settings, **asked: str) -> int:
    return run_new(settings, Request(**asked), lambda text: None)  # type: ignore[arg-type]


def titles(hook: Webhook) -> list[str]:
    """Titles that came since the last look."""
    told = [message["title"] for message in hook.received]
    hook.received.clear()
    return told


def open_keys(settings: Settings) -> set[tuple[str, str]]:
    with Outbox(settings.alerts) as outbox:
        return {(incident.scope, incident.finding.key) for incident in outbox.open_incidents()}


def test_a_shut_gate_is_told_once_and_over_when_it_opens(
    settings: Settings,
    hook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge_with(monkeypatch, "failed")
    assert run(settings) == 3
    (message,) = hook.received
    assert "1 of 2 rows" in message["message"]
    assert str(settings.reports / "marts") in message["message"]
    (title,) = titles(hook)
    assert title.startswith("[aipl] NEW: critical: dim_brand: money_known")
    assert run(settings) == 3
    assert titles(hook) == []
    judge_with(monkeypatch)
    assert run(settings) == 0
    (title,) = titles(hook)
    assert title.startswith("[aipl] RECOVERED: critical: dim_brand: money_known")
    settings.alerts.unlink()
    settings.alerts.mkdir()
    assert run(settings) == 0, "alerting that fails does not fail the run"
    assert "ALERTING FAILED" in capsys.readouterr().err


def test_a_refused_load_stays_wrong_while_other_days_are_fine(settings: Settings, hook: Webhook) -> None:
    gate = ("gate/arrival/east", "east.orders.order_id_present")
    unreadable = ("gate/arrival/east", "east.orders.readable")
    dumps = settings.home / "dumps" / "east"
    (dumps / "orders-2024-01-03.csv").write_text("order_id,amount\n,1\n")
    assert run(settings) == 3
    assert open_keys(settings) == {gate}
    assert len(titles(hook)) == 1
    (dumps / "orders-2024-01-04.csv").write_text("order_id\n1\n")
    assert run(settings) == 2
    assert open_keys(settings) == {gate, unreadable}
    assert len(titles(hook)) == 1
    deliver(settings, "east", 4, [1])
    deliver(settings, "east", 3, [1])
    assert run(settings) == 0
    assert open_keys(settings) == set()
    assert titles(hook) == ["[aipl] 2 recovered"]


KILLED = """
import os, signal, sys
from pathlib import Path
from unit.publish_home import HomeSettings
from verdicts import verdict
from orchestration.arrival.pending import Request
from orchestration.defs.quality import checks
from orchestration.defs.raw import assets
from orchestration.nightly.run import run_new
from orchestration.quality import mart_gate
def kill(*_): os.kill(os.getpid(), signal.SIGKILL)
home, gate = Path(sys.argv[1]), sys.argv[2]
mart_gate.run_marts = lambda *_, **__: verdict("dim_brand", status="failed")
if gate == "arrival":
    assets.observe_arrival_gate = kill
else:
    checks.observe_mart_gate = kill
run_new(HomeSettings(home, home / "sources.yml"), Request(), print)
"""


@pytest.mark.parametrize("gate", ["arrival", "marts"])
def test_a_run_killed_between_verdict_and_alert_is_told_by_the_next(
    settings: Settings, hook: Webhook, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    (settings.home / "dumps" / "east" / "orders-2024-01-03.csv").write_text("order_id,amount\n,1\n")
    here = Path(__file__).parent
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), gate],
        env={**os.environ, "PYTHONPATH": f"{here}:{here.parent}"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    told = {("gate/arrival/east", "east.orders.order_id_present")} if gate == "marts" else set()
    assert open_keys(settings) == told

    def judge(*_: object, **more: object) -> GateResult:
        # Nothing is judged before what was found is told.
        assert ("gate/arrival/east", "east.orders.order_id_present") in open_keys(settings)
        if gate == "marts" and "previous" not in more:
            assert ("gate/marts", "dim_brand.money_known") in open_keys(settings)
        return verdict("dim_release" if "previous" in more else "dim_brand")

    monkeypatch.setattr(mart_gate, "run_marts", judge)
    run(settings)
    assert open_keys(settings) == {("gate/arrival/east", "east.orders.order_id_present")}


def test_runs_of_dagster_are_told_as_those_of_the_command_line(settings: Settings, hook: Webhook) -> None:
    sensors = {sensor.name: sensor for sensor in build_definitions(settings).get_repository_def().sensor_defs}
    assert {"nightly_failed", "nightly_succeeded", "alerts"} <= set(sensors)
    broken = settings.dbt_project / "models" / "marts" / "dim_brand.sql"
    model = broken.read_text()
    broken.write_text("select 1 as x from nowhere")
    assert not run_in_dagster(settings, 2, 3).success
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        observe_latest_run(settings, instance)
        sent = sensors["alerts"].evaluate_tick(dg.build_sensor_context(instance))
        assert sent.skip_message == "team: 1 alert delivered"
        (title,) = titles(hook)
        assert title == "[aipl] NEW: critical: nightly run stopped at warehouse"
        # The same fault at the command line is the same incident.
        assert run(settings) == 1
        observe_latest_run(settings, instance)
        assert open_keys(settings) == {("run", "warehouse")}
        assert titles(hook) == []
        # A run that a killed process left behind died.
        job = instance.create_run(
            job_name="nightly",
            run_id=None,
            run_config={},
            status=dg.DagsterRunStatus.STARTED,
            tags={},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=None,
            job_snapshot=None,
            parent_job_snapshot=None,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=None,
            job_code_origin=None,
            asset_graph=None,
        )
        fail_orphaned_runs(instance)
        outcome = latest_outcome(instance)
        assert outcome is not None
        assert outcome[0] == job.run_id
        observe_latest_run(settings, instance)
        assert open_keys(settings) == {("run", "warehouse"), ("run", "nightly")}
        broken.write_text(model)
        assert run_in_dagster(settings, 2, 3).success
        observe_latest_run(settings, instance)
    assert open_keys(settings) == set()


def test_what_stops_a_run_before_it_begins_is_told_unless_a_person_asked(
    settings: Settings, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError):
        run(settings, source="nowhere")
    assert titles(hook) == []
    sources = settings.sources_file.read_text()
    settings.sources_file.write_text(sources + "  north: {feed: daily}\n")
    with pytest.raises(InputError, match="north"):
        run(settings)
    (message,) = hook.received
    assert message["title"] == "[aipl] NEW: critical: nightly run stopped at aipl run"
    assert "north" in message["message"]


def test_a_mirror_that_fails_is_told_and_leaves_the_release_and_is_made_by_the_next_run(
    settings: Settings, hook: Webhook, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    address = postgres.new_database()

    def mirrored() -> tuple[str, ...] | None:
        with psycopg.connect(address) as connection:
            return connection.execute("select max(release_id) from aipl.dim_release").fetchone()

    monkeypatch.setenv("AIPL_MIRROR_URL", "postgresql://warehouse:a-secret@127.0.0.1:1/nowhere")
    said: list[str] = []
    assert run_new(settings, Request(), said.append) == 2
    first = current_id(settings)
    assert first is not None
    assert any(line.startswith("Stopped at mirror: The mirror in PostgreSQL was not made") for line in said)
    assert open_keys(settings) == {("run", "mirror")}
    assert hook.received[-1]["title"] == "[aipl] NEW: critical: nightly run stopped at mirror"
    logs = "".join(log.read_text() for log in (settings.home / "logs").iterdir())
    assert "Connection refused" in logs
    assert "a-secret" not in logs + str(said) + str(hook.received)
    # Nothing is new, but what is owed is made up for.
    monkeypatch.setenv("AIPL_MIRROR_URL", address)
    assert run(settings) == 0
    assert mirrored() == (first,)
    assert open_keys(settings) == set()
    deliver(settings, "east", 4, [30])
    assert run(settings) == 0
    assert mirrored() == (current_id(settings),) != (first,)
