"""Delivery: real services that take, refuse, hang or are gone; nothing lost, no secret told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from unit.alert_service import Webhook, finding, make_settings, webhook

from orchestration.alerts.channel import Channel, open_channel, redact
from orchestration.alerts.delivery import deliver
from orchestration.alerts.incidents import observe
from orchestration.alerts.listing import listing, status_lines
from orchestration.alerts.outbox import MAX_TRIES, Outbox, delay
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# With every part that is secret by itself.
SERVICES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
    "e-mail": "mailtos://robot:p%40ssword@smtp.example.com:587?from=robot@example.com&to=team@example.com",
    "dingtalk": "dingtalk://SEC0123456789abcdef@0a1b2c3d4e5f0a1b2c3d4e5f",
    "feishu": "feishu://0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d",
    "wecom": "wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
    "teams": "workflows://prod-00.westus.logic.azure.com:443/643e69f83c8944/sigXYZ0123456789",
    "webhook": "jsons://robot:password@hooks.example.com/path",
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("TEAM", raising=False)
    return make_settings(tmp_path, "{team: {to: TEAM}}")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as served:
        monkeypatch.setenv("TEAM", served.url)
        yield served


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def in_files(folder: Path, word: str) -> bool:
    return any(word.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_alert_arrives_once_with_all_there_is_to_know(settings: Settings, hook: Webhook) -> None:
    observe(settings, "gate/marts", [finding(owner="trade-analytics")], NOW)
    assert [sent.reason for sent in deliver(settings, NOW)] == [None]
    assert deliver(settings, NOW + MINUTE) == []
    (message,) = hook.received
    assert message["title"] == "[aipl] NEW: critical: fct_fast.sum is off"
    assert message["type"] == "failure"
    for part in (
        "3 of 7 rows",
        "since 2026-01-01 00:00 UTC",
        "owner: trade-analytics",
        "reports/page.html",
        "docs/runbook.md",
        str(settings.home),
    ):
        assert part in message["message"]
    observe(settings, "gate/marts", [], NOW + MINUTE)
    deliver(settings, NOW + MINUTE)
    assert hook.received[1]["title"] == "[aipl] RECOVERED: critical: fct_fast.sum is off"
    assert hook.received[1]["type"] == "success"


def test_sixty_findings_are_one_message_that_names_each(settings: Settings, hook: Webhook) -> None:
    observe(settings, "gate/marts", [finding(f"mart_{n:02}.rule", text="x" * 400) for n in range(60)], NOW)
    deliver(settings, NOW)
    (message,) = hook.received
    assert message["title"] == "[aipl] 60 critical"
    assert all(f"mart_{n:02}.rule" in message["message"] for n in range(60))
    assert len(message["message"]) <= 6000


def test_a_service_of_few_characters_is_told_how_many_more_there_are(settings: Settings) -> None:
    channel = open_channel("TEAM", SERVICES["teams"])
    assert isinstance(channel, Channel)
    assert channel.room < 1000
    from orchestration.alerts.messages import compose

    observe(settings, "gate/marts", [finding(f"mart_{n:03}.rule") for n in range(200)], NOW)
    with Outbox(settings.alerts) as outbox:
        outbox.route(lambda alert, told: ["team"], NOW)
        message = compose(outbox.claim("team", NOW), channel.room, "from here")
    shown = message.body.count("is off")
    assert len(message.body) <= channel.room
    assert 0 < shown < 200
    assert f"and {200 - shown} more" in message.body


def test_what_broke_and_healed_before_it_could_be_told_is_told_as_one(
    settings: Settings, hook: Webhook
) -> None:
    observe(settings, "run", [finding()], NOW)
    observe(settings, "run", [], NOW + MINUTE)
    deliver(settings, NOW + MINUTE)
    assert [message["title"] for message in hook.received] == [
        "[aipl] NEW AND RECOVERED: critical: fct_fast.sum is off"
    ]


def test_a_service_that_is_down_answers_500_and_comes_back(settings: Settings, hook: Webhook) -> None:
    hook.status = 500
    observe(settings, "run", [finding()], NOW)
    (sent,) = deliver(settings, NOW)
    assert sent.reason and "500" in sent.reason
    assert deliver(settings, NOW + MINUTE - timedelta(seconds=1)) == []
    assert "tried 1 time:" in status_lines(settings)
    hook.status = 204
    assert deliver(settings, NOW + MINUTE)[0].reason is None
    assert len(hook.received) == 1
    assert "not delivered" not in listing(settings)


def test_back_off_doubles_to_an_hour_and_ends_in_a_dead_letter(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", f"json://robot:hunter2x@127.0.0.1:{free_port()}/s3cr3t-path")
    observe(settings, "run", [finding()], NOW)
    now, gaps = NOW, []
    for _ in range(MAX_TRIES):
        (sent,) = deliver(settings, now)
        assert sent.reason and "refused" in sent.reason
        with Outbox(settings.alerts) as outbox:
            waiting = outbox.deliveries("pending")
        if waiting:
            gaps.append((waiting[0].next_try_at - now) / MINUTE)
            now = waiting[0].next_try_at
    assert gaps == [1, 2, 4, 8, 16, 32] + [60] * (MAX_TRIES - 7)
    assert deliver(settings, now + timedelta(hours=2)) == []
    assert f"given up after {MAX_TRIES} tries" in status_lines(settings)
    with webhook() as served, Outbox(settings.alerts) as outbox:
        monkeypatch.setenv("TEAM", served.url)
        assert outbox.retry_now(now) == 1
        assert deliver(settings, now)[0].reason is None
        assert len(served.received) == 1


def test_a_service_that_hangs_is_left(
    settings: Settings, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.alerts.channel.SEND_SECONDS", 1)
    hook.answers.clear()
    observe(settings, "run", [finding()], NOW)
    (sent,) = deliver(settings, NOW)
    assert sent.reason and "did not finish" in sent.reason


def test_one_dead_route_does_not_keep_another_from_being_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: Webhook
) -> None:
    given = make_settings(tmp_path, "{dead: {to: DEAD}, bad: {to: BAD}, team: {to: TEAM}}")
    monkeypatch.setenv("DEAD", f"json://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("BAD", "nosuch://hunter2x")
    observe(given, "run", [finding()], NOW)
    sent = {one.route: one.reason for one in deliver(given, NOW)}
    assert sent["team"] is None
    assert sent["dead"]
    assert sent["bad"] == "BAD is not a valid Apprise URL; see docs/alerts.md for examples"
    assert len(hook.received) == 1


def test_routes_match_severity_owner_and_kind_and_recovery_goes_to_who_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: Webhook
) -> None:
    routes = """
      page: {to: TEAM, severity: [critical]}
      trade: {to: TEAM, owner: [trade-analytics]}
      late: {to: TEAM, kind: [source_late], severity: [warning]}
    """
    given = make_settings(tmp_path, routes)
    found = [
        finding("a", "critical", "trade-analytics"),
        finding("b", "warning", "trade-analytics"),
        finding("c", "warning", "data-platform"),
        finding("d", "warning", "data-platform", "source_late"),
    ]

    def counts(now: datetime) -> dict[str, int]:
        return {sent.route: sent.alerts for sent in deliver(given, now)}

    observe(given, "run", found, NOW)
    assert counts(NOW) == {"page": 1, "trade": 2, "late": 1}
    observe(given, "run", [], NOW)
    assert counts(NOW) == {"page": 1, "trade": 2, "late": 1}


def test_a_route_without_an_address_keeps_its_alerts_and_says_what_to_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe(settings, "run", [finding()], NOW)
    assert deliver(settings, NOW) == []
    assert "no address: set TEAM" in status_lines(settings)
    with webhook() as served:
        monkeypatch.setenv("TEAM", served.url)
        assert deliver(settings, NOW + MINUTE)[0].reason is None
        assert len(served.received) == 1


def test_without_routes_nothing_is_attempted_and_all_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_settings(tmp_path)
    monkeypatch.setattr("orchestration.alerts.delivery._send", None)
    observe(given, "run", [finding()], NOW)
    assert deliver(given, NOW) == []
    assert "critical: fct_fast.sum is off" in status_lines(given)


def test_the_first_route_hears_of_what_is_open_not_of_old_history(tmp_path: Path, hook: Webhook) -> None:
    given = make_settings(tmp_path)
    observe(given, "run", [finding("old"), finding("open")], NOW)
    observe(given, "run", [finding("open")], NOW)
    given.alerts_file.write_text("routes: {team: {to: TEAM}}")
    deliver(given, NOW + timedelta(days=3))
    (message,) = hook.received
    assert "open is off" in message["title"]
    assert "old is off" not in message["message"]


def test_a_bad_alerts_file_is_explained_and_hides_no_status(settings: Settings, hook: Webhook) -> None:
    observe(settings, "run", [finding()], NOW)
    settings.alerts_file.write_text("routes: {team: {to: TEAM, severty: [critical]}}")
    with pytest.raises(ConfigurationError, match="route team:\n  severty: is not a known key"):
        deliver(settings, NOW)
    assert "severty: is not a known key" in status_lines(settings)
    settings.alerts_file.write_text("routes: {team: {to: TEAM}}")
    deliver(settings, NOW)
    assert len(hook.received) == 1


class Inbox(MessageHandler):
    """Keeps the mails that come."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


def test_mail_arrives_and_a_mail_server_that_is_down_is_tried_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, port = Inbox(), free_port()
    monkeypatch.setenv(
        "TEAM", f"mailto://127.0.0.1:{port}?from=robot@example.com&to=team@example.com&format=text"
    )
    observe(settings, "gate/marts", [finding()], NOW)
    (sent,) = deliver(settings, NOW)
    assert sent.reason and "refused" in sent.reason
    server = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=60, server_hostname="localhost")
    server.start()
    try:
        assert deliver(settings, NOW + MINUTE)[0].reason is None
    finally:
        server.stop()
    (mail,) = inbox.mails
    assert mail["Subject"] == "[aipl] NEW: critical: fct_fast.sum is off"
    assert mail["To"] == "team@example.com"
    assert "3 of 7 rows" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]


@pytest.mark.parametrize("service", SERVICES)
def test_the_services_of_the_guide_are_understood(service: str) -> None:
    channel = open_channel("TEAM", SERVICES[service])
    assert isinstance(channel, Channel)
    assert channel.room > 500
    guide = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    assert f"{SERVICES[service].partition('://')[0]}://" in guide


@pytest.mark.parametrize(
    ("service", "secrets"),
    [
        ("slack", ["T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"]),
        ("e-mail", ["p%40ssword", "p@ssword", "team@example.com"]),
        ("dingtalk", ["SEC0123456789abcdef", "0a1b2c3d4e5f0a1b2c3d4e5f"]),
        ("feishu", ["0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d"]),
        ("wecom", ["693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"]),
        ("teams", ["643e69f83c8944", "sigXYZ0123456789"]),
        ("webhook", ["password", "path"]),
    ],
)
def test_no_part_of_an_address_is_told(service: str, secrets: list[str]) -> None:
    url = SERVICES[service]
    text = f"Failed: {url}; " + "; ".join(f"url: /hook/{secret}?x" for secret in secrets)
    assert not [secret for secret in secrets if secret in redact(text, url)]


def test_a_reason_names_the_host_and_no_secret_reaches_file_or_terminal(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets = ["hunter2x", "s3cr3t-path"]
    observe(settings, "run", [finding()], NOW)
    bad = [
        f"json://robot:hunter2x@127.0.0.1:{free_port()}/s3cr3t-path",
        "feishu://hunter2x s3cr3t-path!",
        "nosuch://hunter2x/s3cr3t-path",
    ]
    reasons = []
    for number, url in enumerate(bad):
        monkeypatch.setenv("TEAM", url)
        reasons += [sent.reason for sent in deliver(settings, NOW + number * timedelta(hours=1))]
    assert "127.0.0.1" in str(reasons[0])
    told = f"{reasons}{listing(settings)}{capfd.readouterr()}{caplog.text}"
    for secret in secrets:
        assert secret not in told
        assert not in_files(settings.home, secret)


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from orchestration.alerts import delivery
from orchestration.core.settings import Settings
home, when = Path(sys.argv[1]), sys.argv[2]
send = delivery._send
def killed(*arguments):
    if when == "after":
        assert send(*arguments) is None
    os.kill(os.getpid(), signal.SIGKILL)
delivery._send = killed
delivery.deliver(Settings(home, home, home / "alerts.yml"), datetime(2026, 1, 1, tzinfo=UTC))
"""


@pytest.mark.parametrize(("when", "arrivals"), [("before", 1), ("after", 2)])
def test_a_kill_around_the_sending_loses_nothing_and_may_send_twice(
    settings: Settings, hook: Webhook, when: str, arrivals: int
) -> None:
    observe(settings, "run", [finding()], NOW)
    child = subprocess.run([sys.executable, "-c", KILLED, str(settings.home), when], check=False)
    assert child.returncode == -signal.SIGKILL
    assert deliver(settings, NOW) == []
    deliver(settings, NOW + delay(1))
    assert len(hook.received) == arrivals


def test_two_that_deliver_at_once_send_once(settings: Settings, hook: Webhook) -> None:
    hook.seconds = 0.5
    observe(settings, "run", [finding()], NOW)
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from orchestration.alerts.delivery import deliver; from orchestration.core.settings import Settings;"
        "home = Path(sys.argv[1]); input();"
        "deliver(Settings(home, home, home / 'alerts.yml'), datetime(2026, 1, 1, tzinfo=UTC))"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ}, text=True) for _ in range(3)
    ]
    for child in children:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.close()
    assert [child.wait(300) for child in children] == [0, 0, 0]
    assert len(hook.received) == 1
