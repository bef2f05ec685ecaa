"""Alerts of whole runs on a tiny project: every way of failing is told once, and over when it is."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
import yaml
from forks import PROCESSES
from postgres_server import Server
from tiny_project import deliver
from tiny_project import run as run_in_dagster
from unit.alert_service import Webhook
from unit.publish_home import HomeSettings
from verdicts import judge_with, verdict

from expectations.results import GateResult
from orchestration.alerts.delivery import deliver as send
from orchestration.alerts.findings import Finding, Subject
from orchestration.alerts.incidents import observe
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.pending import Request
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.defs.composition import build_definitions
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.orphaned_runs import fail_orphaned_runs
from orchestration.defs.outcomes import MOST_DEATHS, latest_outcome, observe_latest_run
from orchestration.defs.quality import checks
from orchestration.defs.raw import assets
from orchestration.monitoring.gates import observe_gates
from orchestration.monitoring.runs import Stopped, observe_run
from orchestration.nightly.run import run_new
from orchestration.publish.holding import accept_load
from orchestration.publish.releases import current_id
from orchestration.quality import mart_gate


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
    (title,) = titles(hook)
    assert title.startswith("[aipl] RECOVERED: 2 critical, the arrival gate of east: east.orders")
    # What stops a run before it begins is told, unless a person asked for it.
    with pytest.raises(InputError):
        run(settings, source="nowhere")
    assert titles(hook) == []
    settings.sources_file.write_text(f"{settings.sources_file.read_text()}  north: {{feed: daily}}\n")
    with pytest.raises(InputError, match="north"):
        run(settings)
    assert "north" in hook.received[0]["message"]
    (title,) = titles(hook)
    assert title.startswith("[aipl] NEW: critical: nightly run stopped at aipl run: ")


def killed_night(home: Path, gate: str) -> None:
    """A run that dies between the verdict of a gate and its alert; in a process of its own."""
    place = assets if gate == "arrival" else checks
    kill = partial(os.kill, os.getpid(), signal.SIGKILL)
    setattr(place, f"observe_{gate}_gate", lambda *_: kill())
    mart_gate.run_marts = lambda *_, **__: verdict("dim_brand", status="failed")  # type: ignore[assignment]
    run_new(HomeSettings(home, home / "sources.yml"), Request(), print)


@pytest.mark.parametrize("gate", ["arrival", "mart"])
def test_a_run_killed_between_verdict_and_alert_is_told_by_the_next(
    settings: Settings, hook: Webhook, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    (settings.home / "dumps" / "east" / "orders-2024-01-03.csv").write_text("order_id,amount\n,1\n")
    killed = PROCESSES.Process(target=killed_night, args=(settings.home, gate))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    told = {("gate/arrival/east", "east.orders.order_id_present")} if gate == "mart" else set()
    assert open_keys(settings) == told

    def judge(*_: object, **more: object) -> GateResult:
        # Nothing is judged before what was found is told.
        assert ("gate/arrival/east", "east.orders.order_id_present") in open_keys(settings)
        if gate == "mart" and "previous" not in more:
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
        assert title.startswith("[aipl] NEW: critical: nightly run stopped at warehouse: ")
        # The same fault at the command line is the same incident.
        assert run(settings) == 1
        observe_latest_run(settings, instance)
        assert open_keys(settings) == {("run", "warehouse")}
        assert titles(hook) == []
        # A run that a killed process left behind died.
        job = build_definitions(settings).resolve_job_def("nightly")
        left = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        fail_orphaned_runs(settings, instance)
        outcome = latest_outcome(instance)
        assert outcome and outcome[0] == left.run_id
        observe_latest_run(settings, instance)
        assert open_keys(settings) == {("run", "warehouse"), ("run", "nightly")}
        broken.write_text(model)
        assert run_in_dagster(settings, 2, 3).success
        observe_latest_run(settings, instance)
    assert open_keys(settings) == set()


@pytest.mark.parametrize("goes_well", [True, False])
def test_a_crash_of_a_run_that_is_started_again_is_one_message(
    settings: Settings, hook: Webhook, goes_well: bool
) -> None:
    prepare_dagster_home(settings.dagster_home)
    settings = replace(settings, dagster_url="https://dagster.example.com")
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        job = build_definitions(settings).resolve_job_def("nightly")

        def crash() -> str:
            run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
            instance.report_run_failed(run, "The process of this run has ended.")
            observe_latest_run(settings, instance)
            return run.run_id

        first = crash()
        assert send(settings, datetime.now(UTC)) == [], "the next run may go well"
        if goes_well:
            assert run_in_dagster(settings, 2, 3).success
            observe_latest_run(settings, instance)
        else:
            for _ in range(MOST_DEATHS - 2):
                crash()
                assert send(settings, datetime.now(UTC)) == [], "as may the third"
            last = crash()
    send(settings, datetime.now(UTC))
    (message,) = hook.received
    if goes_well:
        assert message["type"] == "warning"
        assert message["title"].startswith(
            "[aipl] NEW AND RECOVERED: warning: nightly run crashed at nightly"
        )
        assert message["title"].endswith("(the next run went well)")
        assert f"run: https://dagster.example.com/runs/{first}" in message["message"]
        assert open_keys(settings) == set()
    else:
        assert message["title"].startswith("[aipl] NEW: critical: nightly run stopped at nightly")
        assert f"run: https://dagster.example.com/runs/{last}" in message["message"]
    assert "The process of this run has ended." in message["message"]


def test_a_run_that_somebody_cancelled_is_told_until_a_later_one_goes_well(
    settings: Settings, hook: Webhook
) -> None:
    prepare_dagster_home(settings.dagster_home)
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        job = build_definitions(settings).resolve_job_def("nightly")
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        instance.report_run_canceled(run)
        observe_latest_run(settings, instance)
        send(settings, datetime.now(UTC))
        (message,) = hook.received
        assert message["title"].startswith("[aipl] NEW: warning: nightly run was cancelled")
        assert "waits for the next night" in message["message"] and run.run_id in message["message"]
        hook.received.clear()
        assert run_in_dagster(settings, 2, 3).success
        observe_latest_run(settings, instance)
    send(settings, datetime.now(UTC))
    (title,) = titles(hook)
    assert title.startswith("[aipl] RECOVERED: warning: nightly run was cancelled")


def test_a_run_of_one_source_says_nothing_about_another(settings: Settings, hook: Webhook) -> None:
    assert run(settings) == 0
    observe_run(settings, [Stopped("raw__west", "west is broken", 1), Stopped("mirror", "down", 2)], "log")
    send(settings, datetime.now(UTC))
    assert open_keys(settings) == {("run", "raw__west"), ("run", "mirror")}
    deliver(settings, "east", 4, [1])
    assert run(settings, source="east") == 0
    assert run(settings) == 0, "nothing is new"
    # There is no mirror at all.
    assert open_keys(settings) == {("run", "raw__west")}
    deliver(settings, "west", 4, [1])
    assert run(settings) == 0
    assert open_keys(settings) == set()
    told = [title.partition(": ")[0] for title in titles(hook)]
    assert sorted(told) == ["[aipl] NEW", "[aipl] NO LONGER CHECKED", "[aipl] RECOVERED"]


def test_a_load_let_in_by_hand_has_not_recovered(settings: Settings, hook: Webhook) -> None:
    (settings.home / "dumps" / "east" / "orders-2024-01-03.csv").write_text("order_id,amount\n,1\n")
    assert run(settings) == 3
    hook.received.clear()
    accept_load(settings, "east", date(2024, 1, 3), "counted with the shop")
    observe_gates(settings, read_arrival(settings))
    send(settings, datetime.now(UTC))
    (title,) = titles(hook)
    assert title.startswith("[aipl] ACCEPTED BY HAND: critical: east.orders: order_id_present")
    assert title.endswith("counted with the shop)")


def test_an_older_verdict_ends_nothing(settings: Settings, hook: Webhook) -> None:
    assert run(settings) == 0
    # As found by a verdict whose report cannot be read any more.
    subject = Subject(source="east", table="east.orders", rule="order_id_present")
    key, title = "east.orders.order_id_present", "an ID is missing"
    found = Finding(key, "gate_failed", "warning", "trade", title, title, subject=subject)
    observe(settings, "gate/arrival/east", [found], datetime.now(UTC))
    observe_gates(settings, read_arrival(settings))
    assert open_keys(settings) == {("gate/arrival/east", key)}
    deliver(settings, "east", 4, [1])
    assert run(settings) == 0
    assert open_keys(settings) == set()


def test_what_is_wrong_with_a_source_that_is_gone_is_no_longer_checked(
    settings: Settings, hook: Webhook
) -> None:
    (settings.home / "dumps" / "east" / "orders-2024-01-03.csv").write_text("order_id,amount\n,1\n")
    assert run(settings) == 3
    hook.received.clear()
    sources = yaml.safe_load(settings.sources_file.read_text())
    del sources["sources"]["east"]
    settings.sources_file.write_text(yaml.safe_dump(sources))
    observe_gates(settings, read_arrival(settings))
    send(settings, datetime.now(UTC))
    (title,) = titles(hook)
    assert title.startswith("[aipl] NO LONGER CHECKED: critical: east.orders")
    assert title.endswith("(the source east is not declared any more)")


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
    assert hook.received[-1]["title"].startswith("[aipl] NEW: critical: nightly run stopped at mirror: ")
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
