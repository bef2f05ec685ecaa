"""Alerts: incidents, and real services that take, refuse, hang or are gone; nothing lost, no secret told."""

from __future__ import annotations

import signal
import socket
import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from apprise import Apprise
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.alert_service import Webhook, delivered_by, finding, make_settings, webhook

from orchestration import cli
from orchestration.alerts.channel import redact, room
from orchestration.alerts.delivery import deliver
from orchestration.alerts.findings import Alert, Incident
from orchestration.alerts.incidents import observe, open_findings
from orchestration.alerts.listing import listing, status_lines
from orchestration.alerts.messages import Telling, compose
from orchestration.alerts.outbox import MAX_TRIES, REMIND_AFTER, Outbox, delay
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import PROJECT_ROOT, Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GUIDE = (PROJECT_ROOT / "docs" / "alerts.md").read_text()
# Each with its parts that are secret by themselves.
SERVICES = {
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts": (
        "T1JJ3T3L2 A1BRTD4JD TIiajkdnlazkcOXrIdevi7FQ"
    ),
    "mailtos://robot:p%40ssword@smtp.example.com:587?from=robot@example.com&to=team@example.com": (
        "p%40ssword p@ssword team@example.com"
    ),
    "dingtalk://SEC0123456789abcdef@0a1b2c3d4e5f0a1b2c3d4e5f": "SEC0123456789abcdef 0a1b2c3d4e5f0a1b2c3d4e5f",
    "feishu://0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d": "0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d",
    "wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa": "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
    "workflows://prod-00.westus.logic.azure.com:443/643e69f83c8944/sigXYZ01234": "643e69f83c8944 sigXYZ01234",
    "jsons://robot:password@hooks.example.com/path": "password path",
}
KEYS = ["a", "b", "c"]
# A step: hours that pass, and then either the severities found by key, or None for a delivery round.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 25),
        st.none() | st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["critical", "warning"])),
    ),
    max_size=14,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("TEAM", raising=False)
    return make_settings(tmp_path, "{team: {to: TEAM}}")


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def model(steps: Sequence[tuple[int, dict[str, str] | None]]) -> list[tuple[str, str, int]]:
    """Brute force: each key on its own, hour by hour; (key, event, hour)."""
    told = []
    for key in KEYS:
        hour, severity, last = 0, None, 0
        for hours, found in steps:
            hour += hours
            before, severity = severity, severity if found is None else found.get(key)
            if found is None:
                event = "reminder" if severity and hour - last >= REMIND_AFTER / HOUR else ""
            elif not (before and severity):
                event = "opened" if severity else "closed" if before else ""
            else:
                event = "worsened" if (before, severity) == ("warning", "critical") else ""
            if event:
                told.append((key, event, hour))
                last = hour
    return sorted(told)


@settings(max_examples=40)
@given(steps=STEPS)
def test_each_incident_is_told_once_and_reminded_of_when_due(
    steps: list[tuple[int, dict[str, str] | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, now = make_settings(Path(folder)), NOW
        for hours, found in steps:
            now += hours * HOUR
            if found is None:
                with Outbox(home.alerts) as outbox:
                    outbox.remind(now, lambda _: False)
            else:
                observe(home, "gate/marts", [finding(k, s) for k, s in found.items()], now)  # type: ignore[arg-type]
        Outbox(home.alerts).close()
        with sqlite3.connect(home.alerts) as connection:
            rows = connection.execute(
                "select key, event, created_at from alerts join incidents using (incident_id)"
            ).fetchall()
        assert model(steps) == sorted(
            (key, event, (datetime.fromisoformat(at) - NOW) // HOUR) for key, event, at in rows
        )


def test_an_incident_is_of_its_scope_and_brought_up_to_date_in_silence(home: Settings, hook: Webhook) -> None:
    observe(home, "run", [finding("same", text="1 row")], NOW)
    observe(home, "gate/marts", [finding("same")], NOW)
    observe(home, "gate/marts", [], NOW)
    assert open_findings(home, "gate/marts") == []
    deliver(home, NOW)
    observe(home, "run", [finding("same", text="9 rows")], NOW + MINUTE)
    assert deliver(home, NOW + MINUTE) == []
    with pytest.raises(ValueError, match="named twice"):
        observe(home, "run", [finding("once"), finding("twice"), finding("twice")], NOW)
    with Outbox(home.alerts) as outbox:
        (incident,) = outbox.open_incidents()
    assert (incident.scope, incident.finding.key, incident.finding.text) == ("run", "same", "9 rows")
    assert (incident.opened_at, incident.seen_at) == (NOW, NOW + MINUTE)


def test_an_alert_arrives_once_with_all_there_is_to_know(home: Settings, hook: Webhook) -> None:
    observe(home, "gate/marts", [finding(owner="trade-analytics")], NOW)
    assert [sent.reason for sent in deliver(home, NOW)] == [None]
    assert deliver(home, NOW + MINUTE) == []
    (message,) = hook.received
    parts = ["3 of 7 rows", "since 2026-01-01 08:00 Asia/Shanghai", "owner: trade-analytics", str(home.home)]
    for part in (*parts, "report: reports/page.html", "runbook: docs/runbook.md"):
        assert part in message["message"]
    observe(home, "gate/marts", [], NOW + MINUTE)
    deliver(home, NOW + MINUTE)
    observe(home, "gate/marts", [finding()], NOW + MINUTE)
    observe(home, "gate/marts", [], NOW + MINUTE)
    deliver(home, NOW + MINUTE)
    assert [(told["type"], told["title"]) for told in hook.received] == [
        ("failure", "[aipl] NEW: critical: fct_fast.sum is off"),
        ("success", "[aipl] RECOVERED: critical: fct_fast.sum is off"),
        ("warning", "[aipl] NEW AND RECOVERED: critical: fct_fast.sum is off"),
    ]


def test_many_findings_are_one_message_that_names_each_or_counts_the_rest(
    home: Settings, hook: Webhook
) -> None:
    observe(home, "gate/marts", [finding(f"mart_{n:02}.rule", text="x" * 400) for n in range(60)], NOW)
    deliver(home, NOW)
    (message,) = hook.received
    assert message["title"] == "[aipl] NEW: 60 critical, the mart gate: mart_00.rule is off, and 59 more"
    assert all(f"mart_{n:02}.rule" in message["message"] for n in range(60))
    assert "x" * 400 in message["message"] and len(message["message"]) <= 6000
    few = room(Apprise.instantiate(next(url for url in SERVICES if url.startswith("workflows"))))
    incidents = [Incident(n, "gate/marts", finding(f"mart_{n:03}.rule"), NOW, NOW) for n in range(200)]
    telling = Telling(UTC, lambda _: {}, "from here")
    body = compose([Alert(one.incident_id, "opened", one) for one in incidents], few, telling).body
    shown = body.count("is off")
    assert len(body) <= few < 1000
    assert 0 < shown < 200
    assert f"and {200 - shown} more" in body


def test_back_off_doubles_to_an_hour_and_ends_in_a_dead_letter(home: Settings, hook: Webhook) -> None:
    hook.status = 500
    observe(home, "run", [finding()], NOW)
    now, gaps = NOW, []
    for _ in range(MAX_TRIES):
        (sent,) = deliver(home, now)
        assert sent.reason and "500" in sent.reason
        with Outbox(home.alerts) as outbox:
            waiting = outbox.deliveries("pending")
        if waiting:
            assert deliver(home, waiting[0].next_try_at - timedelta(seconds=1)) == []
            assert f"tried {waiting[0].tries} time" in status_lines(home)
            gaps.append((waiting[0].next_try_at - now) / MINUTE)
            now = waiting[0].next_try_at
    assert gaps == [1, 2, 4, 8, 16, 32] + [60] * (MAX_TRIES - 7)
    assert deliver(home, now + 2 * HOUR) == []
    assert f"given up after {MAX_TRIES} tries" in status_lines(home)
    hook.status = 204
    with Outbox(home.alerts) as outbox:
        assert outbox.retry_now(now) == 1
    assert deliver(home, now)[0].reason is None
    assert len(hook.received) == 1
    assert "not delivered" not in listing(home)


def test_a_dead_or_hanging_route_keeps_no_other_from_being_served_and_no_secret_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hook: Webhook,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("orchestration.alerts.channel.SEND_SECONDS", 3)
    bad = {
        "DEAD": f"json://robot:hunter2x@127.0.0.1:{free_port()}/s3cr3t-path",
        "ODD": "feishu://hunter2x s3cr3t-path!",
        "BAD": "nosuch://hunter2x/s3cr3t-path",
    }
    names = (*bad, "SLOW", "TEAM")
    home = make_settings(tmp_path, f"{{{', '.join(f'{name.lower()}: {{to: {name}}}' for name in names)}}}")
    observe(home, "run", [finding()], NOW)
    with webhook() as slow:
        slow.answers.clear()
        for name, url in (bad | {"SLOW": slow.url}).items():
            monkeypatch.setenv(name, url)
        reasons = {one.route: one.reason for one in deliver(home, NOW)}
    assert "refused" in str(reasons["dead"]) and "127.0.0.1" in str(reasons["dead"])
    invalid = "is not a valid Apprise URL; see docs/alerts.md for examples"
    assert (reasons["odd"], reasons["bad"]) == (f"ODD {invalid}", f"BAD {invalid}")
    assert reasons["slow"] and "did not finish" in reasons["slow"]
    assert reasons["team"] is None
    assert len(hook.received) == 1
    told = f"{reasons}{listing(home)}{capfd.readouterr()}{caplog.text}"
    kept = b"".join(path.read_bytes() for path in home.home.rglob("*") if path.is_file())
    for secret in ("hunter2x", "s3cr3t-path"):
        assert secret not in told and secret.encode() not in kept


def test_routes_match_severity_owner_and_kind_and_recovery_goes_to_who_was_told(
    tmp_path: Path, hook: Webhook
) -> None:
    routes = """
      page: {to: TEAM, severity: [critical]}
      trade: {to: TEAM, owner: [trade-analytics]}
      late: {to: TEAM, kind: [source_late], severity: [warning]}
    """
    home = make_settings(tmp_path, routes)
    found = [
        finding("a", "critical", "trade-analytics"),
        finding("b", "warning", "trade-analytics"),
        finding("c", "warning", "data-platform"),
        finding("d", "warning", "data-platform", "source_late"),
    ]
    for findings in (found, []):
        observe(home, "run", findings, NOW)
        assert {sent.route: sent.alerts for sent in deliver(home, NOW)} == {"page": 1, "trade": 2, "late": 1}


def test_what_is_open_waits_for_a_route_that_works_and_status_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEAM", raising=False)
    home = make_settings(tmp_path)
    observe(home, "run", [finding("old"), finding("open")], NOW)
    observe(home, "run", [finding("open")], NOW)
    assert deliver(home, NOW) == []
    assert "critical: open is off" in status_lines(home)
    later = NOW + timedelta(days=3)
    home.alerts_file.write_text("routes: {team: {to: TEAM, severty: [critical]}}")
    with pytest.raises(ConfigurationError, match="route team:\n  severty: is not a known key"):
        deliver(home, later)
    assert "severty: is not a known key" in status_lines(home)
    home.alerts_file.write_text("routes: {team: {to: TEAM}}")
    assert deliver(home, later) == []
    assert "no address: set TEAM" in status_lines(home)
    with webhook() as served:
        monkeypatch.setenv("TEAM", served.url)
        assert deliver(home, later)[0].reason is None
    (message,) = served.received
    # What broke and healed before there was a route is no news.
    assert "open is off" in message["title"] and "old is off" not in message["message"]


def test_mail_arrives_and_a_mail_server_that_is_down_is_tried_again(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, port = Mailbox(str(home.home / "mails")), free_port()
    monkeypatch.setenv(
        "TEAM", f"mailto://127.0.0.1:{port}?from=robot@example.com&to=team@example.com&format=text"
    )
    observe(home, "gate/marts", [finding()], NOW)
    (sent,) = deliver(home, NOW)
    assert sent.reason and "refused" in sent.reason
    server = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=60, server_hostname="localhost")
    server.start()
    try:
        assert deliver(home, NOW + MINUTE)[0].reason is None
    finally:
        server.stop()
    (mail,) = inbox.mailbox
    assert mail["Subject"] == "[aipl] NEW: critical: fct_fast.sum is off"
    assert mail["To"] == "team@example.com"
    assert b"3 of 7 rows" in mail.get_payload(decode=True)


@pytest.mark.parametrize("url", SERVICES)
def test_the_services_of_the_guide_are_understood_and_no_part_of_their_addresses_is_told(url: str) -> None:
    assert room(Apprise.instantiate(url)) > 500
    assert f"{url.partition('://')[0]}://" in GUIDE
    secrets = SERVICES[url].split()
    told = f"Failed: {url}; " + "; ".join(f"url: /hook/{secret}?x" for secret in secrets)
    assert not [secret for secret in secrets if secret in redact(told, url)]


@pytest.mark.parametrize(("when", "arrivals"), [("before", 1), ("after", 2)])
def test_a_kill_around_the_sending_loses_nothing_and_may_send_twice(
    home: Settings, hook: Webhook, when: str, arrivals: int
) -> None:
    observe(home, "run", [finding()], NOW)
    assert delivered_by(home, 1, when) == [-signal.SIGKILL]
    assert deliver(home, NOW) == []
    deliver(home, NOW + delay(1))
    assert len(hook.received) == arrivals


def test_two_that_deliver_at_once_send_once(home: Settings, hook: Webhook) -> None:
    hook.seconds = 0.5
    observe(home, "run", [finding()], NOW)
    assert delivered_by(home, 3) == [0, 0, 0]
    assert len(hook.received) == 1


def test_the_commands_of_alerts(
    tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIPL_HOME", str(tmp_path))
    monkeypatch.setenv("AIPL_ALERTS", str(tmp_path / "alerts.yml"))
    home = make_settings(tmp_path, "{team: {to: TEAM}, other: {to: OTHER}}")
    observe(home, "run", [finding()], NOW)

    def told(code: int, *arguments: str) -> str:
        assert cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False)) == code
        return "".join(capsys.readouterr())

    hook.status = 500
    assert "team: not delivered: Failed to send JSON" in told(2, "alerts", "test", "--route", "team")
    assert "team: 2 alerts not delivered" in told(2, "alerts", "deliver")
    status = told(0, "status")
    assert "team: fct_fast.sum is off (opened): tried 1 time" in status and "no address: set OTHER" in status
    hook.status = 204
    test = told(2, "alerts", "test")
    assert "team: delivered" in test and "no address: set OTHER" in test
    assert "team: 2 alerts delivered" in told(0, "alerts", "retry")
    listed = told(0, "alerts", "list")
    assert "fct_fast.sum is off" in listed and "team:" not in listed
    assert "It declares: team, other" in told(2, "alerts", "test", "--route", "none")
