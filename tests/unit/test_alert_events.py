"""Events for programs: local endpoints in the shape of a webhook, of PagerDuty and of Opsgenie."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from unit.alert_service import Webhook, finding, make_settings

from orchestration.alerts.delivery import deliver, send_test
from orchestration.alerts.events import LONGEST_KEY, incident_key
from orchestration.alerts.findings import End, Subject
from orchestration.alerts.incidents import observe
from orchestration.alerts.listing import listing
from orchestration.alerts.outbox import Outbox, delay
from orchestration.alerts.routes import load_alerts
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import PROJECT_ROOT, Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
GUIDE = (PROJECT_ROOT / "docs" / "alerts.md").read_text()
WRONG = replace(
    finding(),
    effect="The new build is not published.",
    cure="`aipl hold east`, then `aipl run`.",
    subject=Subject(brands=("lumen",), table="fct_fast", rule="sum", unexpected=3),
)


@pytest.fixture
def pager(tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    monkeypatch.setenv("PAGER", ROUTING_KEY)
    hook.status = 202
    form = getattr(request, "param", "pagerduty")
    home = make_settings(tmp_path, f"{{pager: {{to: PAGER, format: {form}, url: '{hook.base}'}}}}")
    return replace(home, url="https://wh.example.com", docs_url="https://docs.example.com")


def found(home: Settings, *findings: object, at: datetime = NOW) -> None:
    observe(home, "gate/marts", findings, at)  # type: ignore[arg-type]


def test_pagerduty_sees_one_trigger_and_one_resolve_of_one_key(pager: Settings, hook: Webhook) -> None:
    link = str(pager.reports / "marts" / "page 1.html")
    wrong = replace(WRONG, link=link, runbook="docs/runbooks/gate-failed.md#drift")
    found(pager, wrong)
    assert [sent.reason for sent in deliver(pager, NOW)] == [None]
    # Reminders are the pager's own business.
    for days in (1, 2):
        assert deliver(pager, NOW + timedelta(days=days)) == []
    found(pager, at=NOW + 3 * 24 * HOUR)
    deliver(pager, NOW + 3 * 24 * HOUR)
    assert deliver(pager, NOW + 4 * 24 * HOUR) == []
    assert {path for _, path, _ in hook.requests} == {"/v2/enqueue"}
    trigger, resolve = hook.received
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["dedup_key"].endswith(":gate/marts:fct_fast.sum")
    assert trigger["routing_key"] == resolve["routing_key"] == ROUTING_KEY
    payload = trigger["payload"]
    assert (payload["severity"], payload["component"], payload["class"]) == (
        "critical",
        "fct_fast",
        "gate_failed",
    )
    assert payload["summary"] == "fct_fast.sum is off" and payload["timestamp"] == "2026-01-01T00:00:00+00:00"
    assert payload["custom_details"]["cure"] == "`aipl hold east`, then `aipl run`."
    assert trigger["links"] == [
        {"href": "https://wh.example.com/reports/marts/page%201.html", "text": "report"},
        {"href": "https://docs.example.com/runbooks/gate-failed.md#drift", "text": "runbook"},
        {"href": "https://wh.example.com/quality", "text": "dashboard"},
    ]
    assert trigger["client_url"] == "https://wh.example.com/quality"


@pytest.mark.parametrize("pager", ["opsgenie"], indirect=True)
def test_opsgenie_sees_one_create_and_one_close_of_one_alias(pager: Settings, hook: Webhook) -> None:
    found(pager, replace(WRONG, severity="warning"))
    deliver(pager, NOW)
    found(pager, WRONG, at=NOW + HOUR)
    deliver(pager, NOW + HOUR)
    observe(pager, "gate/marts", [], NOW + 2 * HOUR, lambda _: End("unchecked", "the rule is gone"))
    deliver(pager, NOW + 2 * HOUR)
    assert deliver(pager, NOW + 30 * HOUR) == []
    create, again, raised, closed = hook.received
    alias = create["alias"]
    quoted = alias.replace(":", "%3A").replace("/", "%2F")
    assert [(method, path) for method, path, _ in hook.requests] == [
        ("POST", "/v2/alerts"),
        ("POST", "/v2/alerts"),
        ("PUT", f"/v2/alerts/{quoted}/priority?identifierType=alias"),
        ("POST", f"/v2/alerts/{quoted}/close?identifierType=alias"),
    ]
    assert all(headers["Authorization"] == f"GenieKey {ROUTING_KEY}" for _, _, headers in hook.requests)
    assert (create["priority"], again["priority"], raised) == ("P3", "P1", {"priority": "P1"})
    assert create["message"] == "fct_fast.sum is off" and "3 of 7 rows" in create["description"]
    assert closed["note"] == "unchecked: the rule is gone"


def test_a_pager_that_is_down_is_told_later_by_the_same_key_and_once(pager: Settings, hook: Webhook) -> None:
    hook.status = 500
    found(pager, WRONG)
    (sent,) = deliver(pager, NOW)
    assert sent.reason == "127.0.0.1 answered 500 Internal Server Error"
    hook.status = 202
    assert deliver(pager, NOW) == []
    deliver(pager, NOW + delay(1))
    assert len(hook.received) == 1
    # The service may have taken what it did not answer for: what was tried is resolved.
    found(pager, replace(WRONG, key="other"), at=NOW + HOUR)
    hook.status = 500
    deliver(pager, NOW + HOUR)
    hook.status = 202
    found(pager, at=NOW + 2 * HOUR)
    deliver(pager, NOW + 2 * HOUR)
    assert [one["event_action"] for one in hook.received] == ["trigger", "resolve", "resolve"]
    assert len({one["dedup_key"] for one in hook.received}) == 2
    assert deliver(pager, NOW + 9 * HOUR) == []


def test_nobody_is_paged_for_what_is_over_before_it_was_told(pager: Settings, hook: Webhook) -> None:
    found(pager, WRONG)
    found(pager, at=NOW + MINUTE)
    assert deliver(pager, NOW + MINUTE) == []
    assert hook.received == [] and "not delivered" not in listing(pager)


def test_a_webhook_gets_the_document_of_the_guide(
    tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", hook.http)
    home = replace(
        make_settings(tmp_path, "{hook: {to: HOOK, format: webhook}}"), dagster_url="https://dg.example.com"
    )
    subject = Subject("east", (), "east.orders", "kind_known", (date(2024, 1, 3),), 1, "0a1b")
    wrong = replace(WRONG, key="east.orders.kind_known", subject=subject)
    observe(home, "gate/arrival/east", [wrong], NOW)
    deliver(home, NOW)
    observe(home, "gate/arrival/east", [], NOW + HOUR, lambda _: End("accepted", "by ada: counted"))
    deliver(home, NOW + HOUR)
    triggered, resolved = hook.received
    ((_, path, headers), _) = hook.requests
    assert path == "/hook/s3cr3t-path" and headers["Authorization"].startswith("Basic ")
    assert triggered["key"] == resolved["key"]
    assert (triggered["status"], triggered["event"]) == ("triggered", "opened")
    assert (resolved["status"], resolved["ending"], resolved["ending_reason"]) == (
        "resolved",
        "accepted",
        "by ada: counted",
    )
    assert triggered["links"]["run"] == "https://dg.example.com/runs/0a1b"
    assert (triggered["source"], triggered["load_dates"], triggered["unexpected_count"]) == (
        "east",
        ["2024-01-03"],
        1,
    )
    example = json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])  # type: ignore[index]
    assert list(example) == list(triggered)
    assert {name: type(value) for name, value in example.items() if value is not None} == {
        name: type(value) for name, value in triggered.items() if example[name] is not None
    }


def test_an_endpoint_that_redirects_hangs_or_is_gone_is_told_without_secrets(
    tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.alerts.channel.SEND_SECONDS", 0.5)
    home = make_settings(tmp_path, "{hook: {to: HOOK, format: webhook}}")
    found(home, WRONG)
    told = []
    for status, address in ((302, hook.http), (200, "http://u:hunter2x@127.0.0.1:9/s3cr3t-path"), (200, "x")):
        hook.status = status
        monkeypatch.setenv("HOOK", address)
        told.append(deliver(home, NOW + len(told) * HOUR)[0].reason)
    hook.answers.clear()
    monkeypatch.setenv("HOOK", hook.http)
    told.append(deliver(home, NOW + 4 * HOUR)[0].reason)
    redirected, gone, odd, slow = map(str, told)
    assert "answered 302" in redirected and "refused" in gone and "no http or https URL" in odd
    assert slow == "127.0.0.1 did not answer within 0.5 seconds"
    assert "hunter2x" not in str(told) and "s3cr3t" not in str(told) and not hook.received


@pytest.mark.parametrize("pager", ["pagerduty", "opsgenie"], indirect=True)
def test_a_test_of_a_pager_pages_nobody(pager: Settings, hook: Webhook) -> None:
    route = load_alerts(pager.alerts_file).routes["pager"]
    assert send_test(pager, "pager", route, NOW).reason is None
    ((_, path, _),) = hook.requests
    (body,) = hook.received
    assert body.get("event_action") == "resolve" or "/close?" in path


def test_a_key_stays_with_its_warehouse_and_is_never_too_long(tmp_path: Path) -> None:
    home = make_settings(tmp_path)
    with Outbox(home.alerts) as first, Outbox(home.alerts) as second:
        assert first.warehouse == second.warehouse and len(first.warehouse) == 12
    long = [incident_key("w", "gate/marts", "k" * 400 + end) for end in "ab"]
    assert {len(key) for key in long} == {LONGEST_KEY} and long[0] != long[1]


def test_only_pagers_have_an_address_in_the_file(tmp_path: Path) -> None:
    home = make_settings(tmp_path, "{hook: {to: HOOK, format: webhook, url: 'https://example.com'}}")
    with pytest.raises(ConfigurationError, match="`url` is for pagerduty and opsgenie"):
        load_alerts(home.alerts_file)
