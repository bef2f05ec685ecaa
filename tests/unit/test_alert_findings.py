"""From facts to findings, and the commands of alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from unit.alert_service import finding, make_settings, webhook
from unit.test_cli import aipl

from expectations.results import ExpectationResult, GateResult, Severity, Status
from orchestration.alerts.incidents import observe
from orchestration.alerts.outbox import MAX_TRIES, Outbox
from orchestration.arrival.file_versions import FileVersion, State
from orchestration.monitoring.findings import arrival_findings, gate_findings, outward, stopped_finding

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = Path("reports/marts/page.html")


def result(name: str, status: Status, severity: Severity = "critical", **more: object) -> ExpectationResult:
    given = ExpectationResult(
        table="fct_fast",
        name=name,
        description="a count is never negative",
        column=None,
        severity=severity,
        owner="consumer-analytics",
        status=status,
        observed="3 of 7 rows unexpected",
    )
    return replace(given, **more)  # type: ignore[arg-type]


def gate(*results: ExpectationResult) -> GateResult:
    return GateResult("marts", "warehouse", NOW, NOW, results)


def version(number: int, state: State, rows: int | None = 5, day: int = 2) -> FileVersion:
    return FileVersion(
        source_id="shop",
        table_name="orders",
        file=f"orders-{number}.csv",
        load_date=date(2024, 1, day),
        version=str(number),
        sha256=str(number),
        declaration="{}",
        row_count=rows,
        state=state,
        reason="no column amount",
        version_id=number,
    )


def test_each_expectation_that_was_not_met_is_a_finding_and_passes_are_none() -> None:
    found = gate_findings(
        gate(
            result("holds", "passed"),
            result("drift", "failed", "warning"),
            result("bounds", "failed"),
            result("odd", "error", "warning", error="the suite broke"),
        ),
        PAGE,
    )
    assert {one.key: one.severity for one in found} == {
        "fct_fast.odd": "critical",
        "fct_fast.bounds": "critical",
        "fct_fast.drift": "warning",
    }
    assert all((one.owner, one.link) == ("consumer-analytics", str(PAGE)) for one in found)
    assert "the suite broke" in found[0].text


def test_a_gate_that_checked_nothing_is_critical() -> None:
    (found,) = gate_findings(gate(), PAGE)
    assert found.severity == "critical"


def test_examples_are_told_without_persons() -> None:
    row = {"person_id": "p-1234", "source_key": "m-77", "source_id": "shop", "persons": 4}
    (found,) = gate_findings(gate(result("bounds", "failed", examples=(row,) * 9)), PAGE)
    assert "source_id=shop" in found.text
    assert "persons=4" in found.text
    assert "person_id=***" in found.text
    assert "1234" not in found.text and "m-77" not in found.text
    assert found.text.count("example:") == 3
    text = stopped_finding("warehouse", "law broken:\n  member_id=m-77, days=2", None).text
    assert "member_id=***, days=2" in text
    assert len(outward("x" * 9000)) < 1600


def test_the_runbook_of_an_expectation_is_told() -> None:
    (found,) = gate_findings(gate(result("bounds", "failed", runbook="docs/runbooks/own.md")), PAGE)
    assert found.runbook == "docs/runbooks/own.md"


def test_loads_that_nobody_judged_anew_keep_their_findings() -> None:
    before = [finding("shop.orders.rule")]
    refused, accepted = version(1, State.REFUSED, day=2), version(2, State.ACCEPTED, day=3)
    monday, tuesday = refused.load_date, accepted.load_date
    assert arrival_findings([], {tuesday}, [refused, accepted], before) == before
    assert arrival_findings([], {monday}, [refused, accepted], before) == []
    assert arrival_findings([], {tuesday}, [accepted], before) == []
    again = [finding("shop.orders.rule", text="again")]
    assert arrival_findings(again, {tuesday}, [refused, accepted], before) == again


def test_dumps_that_cannot_be_read_are_a_finding_a_table_until_they_can() -> None:
    broken = [version(number, State.REFUSED, rows=None) for number in range(5)]
    (found,) = arrival_findings([], set(), broken, [])
    assert found.key == "shop.orders.readable"
    assert "5 dumps" in found.title
    assert "orders-0.csv: no column amount" in found.text and "and 2 more" in found.text
    mended = [
        replace(one, row_count=3, state=State.ACCEPTED, version_id=10 + one.version_id) for one in broken
    ]
    assert arrival_findings([], set(), [*broken, *mended], [found]) == []


def test_the_commands_of_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIPL_ALERTS", str(tmp_path / "alerts.yml"))
    given = make_settings(tmp_path, "{team: {to: TEAM}, other: {to: OTHER}}")
    observe(given, "run", [finding()], NOW)
    with webhook(status=500) as served:
        answer = aipl(tmp_path, "alerts", "test", "--route", "team", TEAM=served.url)
        assert answer.returncode == 2
        assert "team: not delivered" in answer.stdout and "500" in answer.stdout
        answer = aipl(tmp_path, "alerts", "deliver", TEAM=served.url)
        assert answer.returncode == 2
        with Outbox(given.alerts) as outbox:
            for night in range(1, MAX_TRIES + 1):
                alerts = outbox.claim("team", datetime.now(UTC) + timedelta(days=night))
                outbox.failed("team", alerts, "down")
        answer = aipl(tmp_path, "status", TEAM=served.url)
        assert "given up after 20 tries: down" in answer.stdout
        assert "no address: set OTHER" in answer.stdout
        served.status = 204
        answer = aipl(tmp_path, "alerts", "test", TEAM=served.url)
        assert answer.returncode == 2
        assert "team: delivered" in answer.stdout and "no address: set OTHER" in answer.stdout
        answer = aipl(tmp_path, "alerts", "retry", TEAM=served.url)
        assert answer.returncode == 0
        assert "team: 2 alerts delivered" in answer.stdout
    answer = aipl(tmp_path, "alerts", "list")
    assert "fct_fast.sum is off" in answer.stdout and "team:" not in answer.stdout
    answer = aipl(tmp_path, "alerts", "test", "--route", "none")
    assert answer.returncode == 2
    assert "It declares: team, other" in answer.stderr
