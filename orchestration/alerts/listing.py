"""Open incidents, mutes and undelivered alerts as lines for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial

from orchestration.alerts.delivery import address, no_address
from orchestration.alerts.findings import Alert, Delivery, Incident, Mute
from orchestration.alerts.links import places
from orchestration.alerts.messages import News, Telling, details
from orchestration.alerts.moments import said, schedule_zone, told_duration
from orchestration.alerts.outbox import MAX_TRIES, Outbox
from orchestration.alerts.quiet import Quiet
from orchestration.alerts.routes import AlertsFile, load_alerts
from orchestration.core.errors import ConfigurationError
from orchestration.core.printable import counted
from orchestration.core.settings import Settings

IN_STATUS = 5


@dataclass(frozen=True)
class _State:
    """What the outbox and the alerts file say now."""

    file: AlertsFile
    incidents: list[Incident]
    undelivered: list[Delivery]
    mutes: list[Mute]
    zone: tzinfo
    now: datetime

    @property
    def quiet(self) -> Quiet:
        return Quiet(self.file.maintenance, self.mutes, self.zone)


def listing(settings: Settings, now: datetime | None = None) -> str:
    """All open incidents in full, mutes in force, and all undelivered alerts."""
    state = _read(settings, now)
    telling = Telling(state.zone, partial(places, settings), "")
    lines = ["Open incidents:" if state.incidents else "Open incidents: none"]
    for incident in state.incidents:
        news = News((Alert(0, "opened", incident),))
        told = [_headline(incident, state), *(f"  {line}" for line in details(news, telling))]
        lines += [f"  {line}" for line in told]
    lines += [*_mute_lines(state), *_undelivered_lines(state, len(state.undelivered))]
    return "\n".join(lines) + "\n"


def status_lines(settings: Settings, now: datetime | None = None) -> str:
    """Open incidents, mutes and undelivered alerts in a few lines, even if the alerts file is invalid."""
    try:
        state = _read(settings, now)
    except ConfigurationError as error:
        return f"Alerts: nothing is sent: {error}\n"
    quiet, incidents = _mute_lines(state), state.incidents
    if not incidents and not state.undelivered:
        return "\n".join(["Open incidents: none", *quiet]) + "\n"
    lines = [f"Open incidents: {len(incidents)}"]
    lines += [f"  {_headline(incident, state)}" for incident in incidents[:IN_STATUS]]
    lines += [*quiet, *_undelivered_lines(state, IN_STATUS)]
    if max(len(incidents), len(state.undelivered)) > IN_STATUS:
        lines.append("  `aipl alerts list` shows all of them.")
    return "\n".join(lines) + "\n"


def _read(settings: Settings, now: datetime | None) -> _State:
    file = load_alerts(settings.alerts_file)
    with Outbox(settings.alerts) as outbox:
        undelivered = [*outbox.deliveries("dead"), *outbox.deliveries("pending")]
        return _State(
            file,
            outbox.open_incidents(),
            undelivered,
            outbox.mutes(),
            schedule_zone(settings),
            now or datetime.now(UTC),
        )


def _headline(incident: Incident, state: _State) -> str:
    finding = incident.finding
    told = f"{incident.incident_id}: {finding.severity}: {finding.title}"
    since = f"since {said(incident.opened_at, state.zone)}, {told_duration(state.now - incident.opened_at)}"
    return "; ".join([told, since, *_handled(incident, state)])


def _handled(incident: Incident, state: _State) -> list[str]:
    """Who has taken it on, or why nothing is told of it."""
    told = []
    if incident.acked_at:
        told.append(f"acknowledged by {incident.acked_by} at {said(incident.acked_at, state.zone)}")
    if incident.snoozed_until and state.now < incident.snoozed_until:
        told.append(f"snoozed by {incident.snoozed_by} until {said(incident.snoozed_until, state.zone)}")
    if reason := state.quiet.reason(incident.finding, state.now):
        told.append(f"not told: {reason}")
    return told


def _mute_lines(state: _State) -> list[str]:
    """Mutes in force, and maintenance that is going on."""
    lines = [
        f"  maintenance: {window.reason}"
        for window in state.file.maintenance
        if window.contains(state.now, state.zone)
    ]
    for mute in state.mutes:
        if mute.is_in_force(state.now):
            lines.append(
                f"  mute {mute.mute_id}: {mute.patterns}, until {said(mute.until, state.zone)}, by {mute.by}:"
                f" {mute.reason}"
            )
    return ["Nothing is told of:", *lines] if lines else []


def _undelivered_lines(state: _State, shown: int) -> list[str]:
    if not state.undelivered:
        return []
    lines = [f"Alerts not delivered: {len(state.undelivered)}"]
    lines += [
        f"  {one.route}: {one.alert.incident.finding.title} ({one.alert.event}): {_why(one, state)}"
        for one in state.undelivered[:shown]
    ]
    if any(one.state == "dead" for one in state.undelivered):
        lines.append(
            "  `aipl alerts test` checks whether a route works; `aipl alerts retry` sends them again."
        )
    return lines


def _why(one: Delivery, state: _State) -> str:
    """Why an alert was not delivered, and what happens next."""
    route = state.file.routes.get(one.route)
    if one.state == "dead":
        return f"given up after {MAX_TRIES} tries: {one.reason}"
    if route is None:
        return "the alerts file no longer has this route"
    if address(route) is None:
        return no_address(route)
    if one.reason is None:
        return "not tried yet"
    next_try = said(one.next_try_at, state.zone)
    return f"tried {counted(one.tries, 'time')}: {one.reason}; next try after {next_try}"
