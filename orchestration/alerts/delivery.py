"""Send due alerts: one message per route and round, whatever the number of incidents."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from orchestration.alerts.channel import send
from orchestration.alerts.findings import Alert
from orchestration.alerts.messages import Message, compose
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.routes import Route, load_routes
from orchestration.core.settings import Settings


@dataclass(frozen=True)
class Sent:
    """A message sent on a route, with its number of alerts; `reason` says why it was not delivered."""

    route: str
    alerts: int
    reason: str | None


def deliver(settings: Settings, now: datetime) -> list[Sent]:
    """Queue reminders of open incidents, and send what is due on each route in one message.

    A route without an address is left alone, and its alerts wait. Raises ConfigurationError for a bad alerts
    file, and sqlite3.Error when the outbox cannot be written.
    """
    routes, sent = load_routes(settings.alerts_file), list[Sent]()
    if not routes:
        return []
    with Outbox(settings.alerts) as outbox:
        outbox.remind(now)
        outbox.route(partial(_wanted_by, routes), now)
        for name, route in routes.items():
            url = address(route)
            if url and (alerts := outbox.claim(name, now)):
                reason = send(route.to, url, partial(compose, alerts, origin=_origin(settings)))
                outbox.tried(name, alerts, reason, now)
                sent.append(Sent(name, len(alerts), reason))
    return sent


def send_test(settings: Settings, name: str, route: Route, now: datetime) -> Sent:
    """Send a test message on one route now, bypassing the outbox."""
    url = address(route)
    if url is None:
        return Sent(name, 0, no_address(route))
    moment = now.astimezone().isoformat(timespec="seconds")
    body = f"Test message sent at {moment} by `aipl alerts test`.\n\n{_origin(settings)}"
    return Sent(name, 0, send(route.to, url, lambda _: Message(f"[aipl] test of route {name}", body, "info")))


def address(route: Route) -> str | None:
    """The Apprise URL of a route, None where its variable is not set."""
    return os.environ.get(route.to) or None


def no_address(route: Route) -> str:
    """What to do about a route whose variable is not set."""
    return f"no address: set {route.to}"


def _wanted_by(routes: Mapping[str, Route], alert: Alert, told: Collection[str]) -> list[str]:
    """Routes for an alert; a recovery goes to the routes that were alerted to the incident."""
    is_over = alert.event == "recovered"
    return [
        name
        for name, route in routes.items()
        if (name in told if is_over else route.wants(alert.incident.finding))
    ]


def _origin(settings: Settings) -> str:
    return f"from the warehouse {settings.home} on {socket.gethostname()}"
