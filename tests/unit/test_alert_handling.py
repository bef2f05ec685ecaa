"""What people do about incidents: acknowledged, snoozed, muted, announced work, and escalation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from unit.alert_service import Webhook, finding, make_settings, titles

from orchestration import cli
from orchestration.alerts.delivery import deliver
from orchestration.alerts.findings import End, Subject
from orchestration.alerts.handling import acknowledge, mute, snooze, unmute
from orchestration.alerts.incidents import observe
from orchestration.alerts.listing import listing, status_lines
from orchestration.alerts.moments import duration, moment, told_duration
from orchestration.alerts.outbox import REMIND_AFTER, Outbox
from orchestration.alerts.routes import load_alerts
from orchestration.core.errors import ConfigurationError, InputError
from orchestration.core.settings import Settings

# A Thursday, 08:00 in the zone of the schedule.
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EAST = replace(finding("east.orders.rule"), subject=Subject(source="east"))


@pytest.fixture
def home(tmp_path: Path, hook: Webhook) -> Settings:
    return make_settings(tmp_path, "{team: {to: TEAM}}")


def found(home: Settings, *findings: object, at: datetime = NOW) -> None:
    observe(home, "gate/marts", findings, at)  # type: ignore[arg-type]


def number(home: Settings) -> int:
    with Outbox(home.alerts) as outbox:
        (incident,) = outbox.open_incidents()
    return incident.incident_id


def told(home: Settings, hook: Webhook, at: datetime) -> list[str]:
    """First words of the titles of a round of delivery."""
    deliver(home, at)
    return [title.removeprefix("[aipl] ").partition(":")[0] for title in titles(hook)]


def test_what_is_acknowledged_is_not_reminded_of_until_it_worsens(home: Settings, hook: Webhook) -> None:
    found(home, finding(severity="warning"))
    assert told(home, hook, NOW) == ["NEW"]
    (taken,) = acknowledge(home, [number(home)], "ada", NOW + HOUR)
    assert (taken.acked_by, taken.acked_at) == ("ada", NOW + HOUR)
    assert "acknowledged by ada at 2026-01-01 09:00 Asia/Shanghai" in listing(home, NOW)
    assert told(home, hook, NOW + 3 * DAY) == []
    found(home, finding(severity="critical"), at=NOW + 4 * DAY)
    assert told(home, hook, NOW + 4 * DAY) == ["WORSE"]
    assert "acknowledged" not in listing(home, NOW)
    assert told(home, hook, NOW + 5 * DAY) == ["STILL WRONG"]
    with pytest.raises(InputError, match="No incident 99 is open"):
        acknowledge(home, [number(home), 99], "ada", NOW)


def test_a_snooze_ends_in_a_reminder_of_what_is_still_open(home: Settings, hook: Webhook) -> None:
    found(home, finding())
    assert told(home, hook, NOW) == ["NEW"]
    snooze(home, [number(home)], "2d", "ada", NOW)
    assert "snoozed by ada until 2026-01-03 08:00 Asia/Shanghai" in status_lines(home, NOW)
    assert told(home, hook, NOW + 2 * DAY - MINUTE) == []
    assert told(home, hook, NOW + 2 * DAY) == ["STILL WRONG"]
    assert told(home, hook, NOW + 2 * DAY + REMIND_AFTER - MINUTE) == []
    snooze(home, [number(home)], "2026-01-10", "ada", NOW + 3 * DAY)
    found(home, at=NOW + 4 * DAY)
    assert told(home, hook, NOW + 4 * DAY) == ["RECOVERED"]
    found(home, finding(severity="warning"), at=NOW + 5 * DAY)
    snooze(home, [number(home)], "2d", "ada", NOW + 5 * DAY)
    found(home, finding(), at=NOW + 5 * DAY + HOUR)
    assert told(home, hook, NOW + 5 * DAY + HOUR) == ["NEW"], "one that worsens is told at once"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"rule": "fct_*"}, True),
        ({"rule": "fct_fast.sum", "owner": "data-platform"}, True),
        ({"rule": "fct_fast.sum", "owner": "trade-*"}, False),
        ({"source": "east"}, False),
        ({"source": "*"}, True),
    ],
    ids=str,
)
def test_a_mute_holds_what_matches_and_shows_itself(
    home: Settings, hook: Webhook, pattern: dict[str, str], matches: bool
) -> None:
    made = mute(home, "4h", "known", "ada", NOW, **pattern)  # type: ignore[arg-type]
    found(home, finding())
    assert told(home, hook, NOW) == ([] if matches else ["NEW"])
    shown = status_lines(home, NOW)
    assert f"mute {made.mute_id}: " in shown and "by ada: known" in shown
    assert ("not told: muted by ada: known" in shown) is matches
    assert told(home, hook, NOW + 4 * HOUR) == (["NEW"] if matches else [])
    assert "mute" not in status_lines(home, NOW + 4 * HOUR)
    with pytest.raises(InputError, match="No mute 1 is in force"):
        unmute(home, made.mute_id, NOW + 5 * HOUR)


def test_what_comes_and_goes_while_it_is_muted_is_never_told(home: Settings, hook: Webhook) -> None:
    made = mute(home, "4h", "known", "ada", NOW, rule="*")
    found(home, finding("gone"), finding("stays"))
    found(home, finding("stays"), at=NOW + HOUR)
    assert told(home, hook, NOW + HOUR) == []
    unmute(home, made.mute_id, NOW + 2 * HOUR)
    deliver(home, NOW + 2 * HOUR)
    assert titles(hook) == ["[aipl] NEW: critical: stays is off"]
    # Of what was told before, the end is told meanwhile.
    mute(home, "4h", "known", "ada", NOW + 3 * HOUR, rule="*")
    found(home, at=NOW + 4 * HOUR)
    assert told(home, hook, NOW + 4 * HOUR) == ["RECOVERED"]
    assert told(home, hook, NOW + 9 * HOUR) == []


@pytest.mark.parametrize("given", [{"reason": "x"}, {"rule": "x", "reason": " "}], ids=str)
def test_a_mute_needs_a_pattern_and_a_reason(home: Settings, given: dict[str, str]) -> None:
    with pytest.raises(InputError, match="Say "):
        mute(home, "4h", given.pop("reason"), "ada", NOW, **given)  # type: ignore[arg-type]


def windows(home: Settings, *lines: str) -> None:
    home.alerts_file.write_text("\n".join(["routes: {team: {to: TEAM}}", "maintenance:", *lines]))


def test_alerts_of_announced_work_wait_until_it_is_done(home: Settings, hook: Webhook) -> None:
    windows(
        home, '  - {from: "2026-01-01 07:00", to: "2026-01-01 10:00", reason: moving house, source: [east]}'
    )
    found(home, EAST, finding())
    deliver(home, NOW)
    assert titles(hook) == ["[aipl] NEW: critical: fct_fast.sum is off"]
    assert "not told: maintenance: moving house" in status_lines(home, NOW)
    assert told(home, hook, NOW + 2 * HOUR - MINUTE) == []
    deliver(home, NOW + 2 * HOUR)
    assert titles(hook) == ["[aipl] NEW: critical: east.orders.rule is off"]


@pytest.mark.parametrize(
    ("local", "quiet"),
    [
        ("2026-01-03 22:59", False),
        ("2026-01-03 23:00", True),
        ("2026-01-04 02:59", True),
        ("2026-01-04 03:00", False),
        ("2026-01-04 23:30", False),
        ("2026-01-10 23:30", True),
    ],
)
def test_weekly_work_goes_past_midnight(home: Settings, local: str, quiet: bool) -> None:
    windows(home, '  - {every: saturday, from: "23:00", to: "03:00", reason: network}')
    (window,) = load_alerts(home.alerts_file).maintenance
    at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI)
    assert window.contains(at, SHANGHAI) is quiet


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("  - {from: '2026-01-01 07:00', to: '2026-01-01 06:00', reason: x}", "`from` must be before `to`"),
        ("  - {from: '2026-01-01 07:00', reason: x}", "window 1:\n  to: is missing"),
        ("  - {every: sunday, from: '01:00', to: '02:00'}", "reason: is missing"),
        ("  - {every: sun, from: '01:00', to: '02:00', reason: x}", "every: Input should be 'monday'"),
        ("  x: 1", "must be a list"),
    ],
)
def test_a_wrong_window_is_told(home: Settings, line: str, problem: str) -> None:
    windows(home, line)
    with pytest.raises(ConfigurationError, match=problem):
        load_alerts(home.alerts_file)


@pytest.fixture
def two_lines(tmp_path: Path, hook: Webhook) -> Settings:
    return make_settings(tmp_path, "{first: {to: TEAM}, second: {to: TEAM, after: 30m}}")


def routes_told(home: Settings, at: datetime) -> list[str]:
    return [sent.route for sent in deliver(home, at)]


def test_the_second_line_hears_of_what_nobody_acknowledged(two_lines: Settings, hook: Webhook) -> None:
    found(two_lines, finding())
    assert routes_told(two_lines, NOW) == ["first"]
    assert routes_told(two_lines, NOW + 29 * MINUTE) == []
    assert routes_told(two_lines, NOW + 30 * MINUTE) == ["second"]
    assert titles(hook)[-1] == "[aipl] NOT ACKNOWLEDGED: critical: fct_fast.sum is off"
    assert routes_told(two_lines, NOW + 3 * HOUR) == []
    found(two_lines, at=NOW + 4 * HOUR)
    assert routes_told(two_lines, NOW + 4 * HOUR) == ["first", "second"]


@pytest.mark.parametrize("taken", ["acknowledged", "over", "a warning", "quiet"])
def test_the_second_line_sleeps(two_lines: Settings, hook: Webhook, taken: str) -> None:
    found(two_lines, finding(severity="warning" if taken == "a warning" else "critical"))
    deliver(two_lines, NOW)
    if taken == "acknowledged":
        acknowledge(two_lines, [number(two_lines)], "ada", NOW + MINUTE)
    elif taken == "over":
        found(two_lines, at=NOW + MINUTE)
    elif taken == "quiet":
        mute(two_lines, "2h", "known", "ada", NOW + MINUTE, rule="*")
    assert "second" not in routes_told(two_lines, NOW + HOUR)
    assert ("second" in routes_told(two_lines, NOW + 3 * HOUR)) is (taken == "quiet")


def test_the_second_line_waits_from_when_the_first_was_told(two_lines: Settings, hook: Webhook) -> None:
    mute(two_lines, "2h", "known", "ada", NOW, rule="*")
    found(two_lines, finding())
    assert routes_told(two_lines, NOW + 2 * HOUR) == ["first"]
    assert routes_told(two_lines, NOW + 2 * HOUR + 29 * MINUTE) == []
    assert routes_told(two_lines, NOW + 2 * HOUR + 30 * MINUTE) == ["second"]


def test_the_second_line_waits_from_when_it_became_so_bad(two_lines: Settings, hook: Webhook) -> None:
    found(two_lines, finding(severity="warning"))
    assert routes_told(two_lines, NOW) == ["first"]
    found(two_lines, finding(), at=NOW + HOUR)
    assert routes_told(two_lines, NOW + HOUR) == ["first"]
    assert routes_told(two_lines, NOW + HOUR + 29 * MINUTE) == []
    assert routes_told(two_lines, NOW + HOUR + 30 * MINUTE) == ["second"]


def test_a_warning_that_may_right_itself_waits(home: Settings, hook: Webhook) -> None:
    crashed = replace(finding("warehouse", "warning"), patience=HOUR)
    found(home, crashed)
    assert told(home, hook, NOW + MINUTE) == []
    observe(home, "gate/marts", [], NOW + 9 * MINUTE, lambda _: End("recovered", "the second run went well"))
    deliver(home, NOW + 9 * MINUTE)
    (message,) = hook.received
    assert message["type"] == "warning"
    assert message["title"] == (
        "[aipl] NEW AND RECOVERED: warning: warehouse is off (the second run went well)"
    )
    assert "3 of 7 rows unexpected" in message["message"] and "9 min" in message["message"]
    hook.received.clear()
    # If it goes wrong again it is told at once, and after its time in any case.
    found(home, crashed, at=NOW + DAY)
    found(home, finding("warehouse"), at=NOW + DAY + MINUTE)
    assert told(home, hook, NOW + DAY + MINUTE) == ["NEW"]
    found(home, replace(crashed, key="other"), at=NOW + 2 * DAY)
    assert "NEW" in told(home, hook, NOW + 2 * DAY + HOUR)


def test_news_of_different_kinds_are_never_one_message(home: Settings, hook: Webhook) -> None:
    found(home, finding("a"), finding("b"), finding("c", owner="trade"))
    assert sorted(told(home, hook, NOW)) == ["NEW", "NEW"]
    found(home, finding("c", owner="trade"), finding("d"), at=NOW + HOUR)
    observe(home, "run", [finding("e")], NOW + HOUR)
    deliver(home, NOW + HOUR)
    assert sorted(titles(hook)) == [
        "[aipl] NEW: critical: d is off",
        "[aipl] NEW: critical: e is off",
        "[aipl] RECOVERED: 2 critical, the mart gate: a is off, and 1 more",
    ]


def test_only_what_was_judged_recovers(home: Settings, hook: Webhook) -> None:
    found(home, finding("judged"), finding("not judged"), finding("gone"))
    deliver(home, NOW)
    titles(hook)
    ends = {"judged": End("recovered"), "gone": End("unchecked", "the rule is gone")}
    observe(home, "gate/marts", [], NOW + HOUR, lambda incident: ends.get(incident.finding.key))
    deliver(home, NOW + HOUR)
    assert sorted(titles(hook)) == [
        "[aipl] NO LONGER CHECKED: critical: gone is off (the rule is gone)",
        "[aipl] RECOVERED: critical: judged is off",
    ]
    assert "not judged is off" in listing(home)


def test_times_as_people_write_them() -> None:
    zone = SHANGHAI
    assert moment("90m", zone, NOW) == NOW + 90 * MINUTE
    assert moment("2026-01-02 09:30", zone, NOW) == NOW + DAY + 90 * MINUTE
    assert moment("2026-01-02", zone, NOW) == NOW + 16 * HOUR
    for wrong in ("soon", "0h", "4", "2025-12-31", "4w"):
        with pytest.raises(ValueError, match=r"write|past"):
            moment(wrong, zone, NOW)
    assert duration("2d") == 2 * DAY
    spans = [told_duration(span) for span in (timedelta(0), 5 * MINUTE, 26 * HOUR, 2 * DAY + MINUTE)]
    assert spans == ["less than 1 min", "5 min", "1 d 2 h", "2 d 1 min"]


def test_the_commands_of_people(
    tmp_path: Path, home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIPL_HOME", str(home.home))
    monkeypatch.setenv("AIPL_ALERTS", str(home.alerts_file))
    monkeypatch.setattr("orchestration.commands.alerts.account", lambda: "ada")
    found(home, finding(), at=datetime.now(UTC))
    incident = str(number(home))

    def say(code: int, *arguments: str) -> str:
        assert cli._guarded(lambda: cli.aipl.main(["alerts", *arguments], standalone_mode=False)) == code
        return "".join(capsys.readouterr())

    assert say(0, "ack", incident) == f"Acknowledged by ada: {incident}: fct_fast.sum is off\n"
    assert "Snoozed until 2" in say(0, "snooze", incident, "4h")
    assert "'soon' is no time" in say(2, "snooze", incident, "soon")
    assert "No incident 77 is open" in say(2, "ack", "77")
    made = say(0, "mute", "--rule", "fct_*", "--until", "2d", "--reason", "known")
    assert "To end it: `aipl alerts unmute 1`." in made
    assert "rule fct_*, until 2" in say(0, "list")
    assert say(0, "unmute", "1") == "Mute 1 has ended.\n"
    assert "Say what to mute" in say(2, "mute", "--until", "2d", "--reason", "known")
