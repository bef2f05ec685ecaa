"""Send due alerts: one message per route and round, whatever the number of incidents."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestration.alerts.messages import Message, compose
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.outbox_tables import Alert
from orchestration.alerts.routes import Route, chosen, load_routes
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
    routes = load_routes(settings.alerts_file)
    if not routes:
        return []
    with Outbox(settings.alerts) as outbox:
        outbox.remind(now)
        outbox.route(lambda alert, told: _wanted_by(routes, alert, told), now)
        rounds = [_deliver_on(outbox, settings, name, route, now) for name, route in routes.items()]
    return [sent for sent in rounds if sent]


def send_test(settings: Settings, name: str, route: Route, now: datetime) -> Sent:
    """Send a test message on one route now, bypassing the outbox."""
    url = address(route)
    if url is None:
        return Sent(name, 0, no_address(route))
    moment = now.astimezone().isoformat(timespec="seconds")
    body = f"Test message sent at {moment} by `aipl alerts test`.\n\n{_origin(settings)}"
    return Sent(name, 0, _send(route, url, lambda _: Message(f"[aipl] test of route {name}", body, "info")))


def address(route: Route) -> str | None:
    """The Apprise URL of a route, None where its variable is not set."""
    return os.environ.get(route.to) or None


def no_address(route: Route) -> str:
    """What to do about a route whose variable is not set."""
    return f"no address: set {route.to}"


def _deliver_on(outbox: Outbox, settings: Settings, name: str, route: Route, now: datetime) -> Sent | None:
    url = address(route)
    alerts = outbox.claim(name, now) if url else []
    if not (url and alerts):
        return None
    reason = _send(route, url, lambda room: compose(alerts, room, _origin(settings)))
    if reason:
        outbox.failed(name, alerts, reason)
    else:
        outbox.delivered(name, alerts, now)
    return Sent(name, len(alerts), reason)


def _send(route: Route, url: str, write: Callable[[int], Message]) -> str | None:
    from orchestration.alerts.channel import Channel, open_channel

    channel = open_channel(route.to, url)
    return channel.send(write(channel.room)) if isinstance(channel, Channel) else channel


def _wanted_by(routes: Mapping[str, Route], alert: Alert, told: Collection[str]) -> list[str]:
    """Routes for an alert; that an incident recovered is told to whoever heard of it."""
    if alert.event == "recovered":
        return [name for name in routes if name in told]
    return chosen(routes, alert.incident.finding)


def _origin(settings: Settings) -> str:
    return f"from the warehouse {settings.home} on {socket.gethostname()}"
