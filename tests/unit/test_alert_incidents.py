"""Incidents: opened once, told again only when due, over once; whatever the order of findings and rounds."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.alert_service import finding, make_settings

from orchestration.alerts.findings import reconcile
from orchestration.alerts.incidents import observe, open_findings, suppress_alerting_errors
from orchestration.alerts.outbox import REMIND_AFTER, Outbox

START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = ["a", "b", "c"]
# A step: hours that pass, and then either the severities found by key, or None for a delivery round.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 25),
        st.none() | st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["critical", "warning"])),
    ),
    max_size=14,
)


def model(steps: Sequence[tuple[int, dict[str, str] | None]]) -> list[tuple[str, str, int]]:
    """Brute force: each key on its own, hour by hour; (key, event, hour)."""
    told = []
    for key in KEYS:
        hour, severity, last = 0, None, 0
        for hours, found in steps:
            hour += hours
            if found is None:
                if severity and hour - last >= REMIND_AFTER.total_seconds() / 3600:
                    told.append((key, "reminder", hour))
                    last = hour
                continue
            before, severity = severity, found.get(key)
            if severity and not before:
                event = "opened"
            elif before and not severity:
                event = "recovered"
            elif before == "warning" and severity == "critical":
                event = "worsened"
            else:
                continue
            told.append((key, event, hour))
            last = hour
    return sorted(told)


@settings(max_examples=40)
@given(steps=STEPS)
def test_each_incident_is_told_once_and_reminded_of_when_due(
    steps: list[tuple[int, dict[str, str] | None]],
) -> None:
    with tempfile.TemporaryDirectory() as home:
        given = make_settings(Path(home))
        now = START
        for hours, found in steps:
            now += timedelta(hours=hours)
            if found is None:
                with Outbox(given.alerts) as outbox:
                    outbox.remind(now)
            else:
                observe(given, "gate/marts", [finding(k, s) for k, s in found.items()], now)  # type: ignore[arg-type]
        assert alerts(given.alerts) == model(steps)


def alerts(database: Path) -> list[tuple[str, str, int]]:
    Outbox(database).close()
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "select key, event, created_at from alerts join incidents using (incident_id)"
        ).fetchall()
    return sorted(
        (key, event, round((datetime.fromisoformat(at) - START).total_seconds() / 3600))
        for key, event, at in rows
    )


def test_scopes_do_not_touch_each_other(tmp_path: Path) -> None:
    given = make_settings(tmp_path)
    observe(given, "run", [finding("same")], START)
    observe(given, "gate/marts", [finding("same")], START)
    observe(given, "gate/marts", [], START)
    assert [found.key for found in open_findings(given, "run")] == ["same"]
    assert open_findings(given, "gate/marts") == []


def test_a_known_finding_is_brought_up_to_date_in_silence(tmp_path: Path) -> None:
    given = make_settings(tmp_path)
    observe(given, "run", [finding(text="1 row")], START)
    observe(given, "run", [finding(text="9 rows")], START + timedelta(hours=1))
    with Outbox(given.alerts) as outbox:
        (incident,) = outbox.open_incidents()
    assert incident.finding.text == "9 rows"
    assert (incident.opened_at, incident.seen_at) == (START, START + timedelta(hours=1))
    assert len(alerts(given.alerts)) == 1


def test_two_findings_of_one_name_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    given = make_settings(tmp_path)
    with pytest.raises(ValueError, match="named twice"):
        observe(given, "run", [finding("once"), finding("twice"), finding("twice")], START)
    assert open_findings(given, "run") == []
    with pytest.raises(ValueError, match="named same"):
        list(reconcile({}, [finding("same"), finding("same")]))


def test_a_failure_of_alerting_is_loud_and_stays_out_of_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = make_settings(tmp_path)
    given.alerts.mkdir()
    with suppress_alerting_errors():
        observe(given, "run", [finding()], START)
    said = capsys.readouterr().err
    assert "ALERTING FAILED" in said
    assert "unable to open database file" in said
