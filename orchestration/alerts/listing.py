"""Open incidents and undelivered alerts as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.alerts.delivery import address, no_address
from orchestration.alerts.findings import Delivery, Incident
from orchestration.alerts.messages import places, said
from orchestration.alerts.outbox import MAX_TRIES, Outbox
from orchestration.alerts.routes import Route, load_routes
from orchestration.core.errors import ConfigurationError
from orchestration.core.printable import counted
from orchestration.core.settings import Settings

IN_STATUS = 5


def listing(settings: Settings) -> str:
    """All open incidents in full, and all undelivered alerts."""
    incidents, undelivered, routes = _read(settings)
    lines = ["Open incidents:" if incidents else "Open incidents: none"]
    lines += [f"  {line}" for incident in incidents for line in _told(incident)]
    lines += _undelivered_lines(undelivered, routes, len(undelivered))
    return "\n".join(lines) + "\n"


def status_lines(settings: Settings) -> str:
    """Open incidents and undelivered alerts in a few lines, even if the alerts file is invalid."""
    try:
        incidents, undelivered, routes = _read(settings)
    except ConfigurationError as error:
        return f"Alerts: nothing is sent: {error}\n"
    if not incidents and not undelivered:
        return "Open incidents: none\n"
    lines = [f"Open incidents: {len(incidents)}"]
    lines += [f"  {_headline(incident)}" for incident in incidents[:IN_STATUS]]
    lines += _undelivered_lines(undelivered, routes, IN_STATUS)
    if max(len(incidents), len(undelivered)) > IN_STATUS:
        lines.append("  `aipl alerts list` shows all of them.")
    return "\n".join(lines) + "\n"


def _read(settings: Settings) -> tuple[list[Incident], list[Delivery], Mapping[str, Route]]:
    routes = load_routes(settings.alerts_file)
    with Outbox(settings.alerts) as outbox:
        undelivered = [*outbox.deliveries("dead"), *outbox.deliveries("pending")]
        return outbox.open_incidents(), undelivered, routes


def _headline(incident: Incident) -> str:
    finding = incident.finding
    return f"{finding.severity}: {finding.title}; since {said(incident.opened_at)}"


def _told(incident: Incident) -> list[str]:
    finding = incident.finding
    seen = f"owner: {finding.owner}; last seen {said(incident.seen_at)}; scope: {incident.scope}"
    rest = [*finding.text.splitlines(), seen, *places(finding)]
    return [_headline(incident), *(f"  {line}" for line in rest)]


def _undelivered_lines(undelivered: list[Delivery], routes: Mapping[str, Route], shown: int) -> list[str]:
    if not undelivered:
        return []
    lines = [f"Alerts not delivered: {len(undelivered)}"]
    lines += [
        f"  {one.route}: {one.alert.incident.finding.title} ({one.alert.event}): {_why(one, routes)}"
        for one in undelivered[:shown]
    ]
    if any(one.state == "dead" for one in undelivered):
        lines.append(
            "  `aipl alerts test` checks whether a route works; `aipl alerts retry` sends them again."
        )
    return lines


def _why(one: Delivery, routes: Mapping[str, Route]) -> str:
    """Why an alert was not delivered, and what happens next."""
    route = routes.get(one.route)
    if one.state == "dead":
        return f"given up after {MAX_TRIES} tries: {one.reason}"
    if route is None:
        return "the alerts file no longer has this route"
    if address(route) is None:
        return no_address(route)
    if one.reason is None:
        return "not tried yet"
    return f"tried {counted(one.tries, 'time')}: {one.reason}; next try after {said(one.next_try_at)}"
