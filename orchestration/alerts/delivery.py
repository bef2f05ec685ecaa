"""Send due alerts: one message per route and what belongs together, one event per incident to programs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby

from orchestration.alerts import channel
from orchestration.alerts.events import Origin, requests_for
from orchestration.alerts.findings import Alert, Delivery, End, Finding, Incident
from orchestration.alerts.links import places
from orchestration.alerts.messages import Message, Telling, compose, news_of
from orchestration.alerts.moments import schedule_zone
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.post import post
from orchestration.alerts.quiet import Quiet
from orchestration.alerts.routes import Route, load_alerts
from orchestration.core.settings import Settings


@dataclass(frozen=True)
class Sent:
    """A message sent on a route, with its number of alerts; `reason` says why it was not delivered."""

    route: str
    alerts: int
    reason: str | None


@dataclass(frozen=True)
class _Round:
    """One round of delivery."""

    settings: Settings
    outbox: Outbox
    quiet: Quiet
    now: datetime


def deliver(settings: Settings, now: datetime) -> list[Sent]:
    """Queue reminders and escalations of open incidents, and send what is due on each route.

    A route without an address is left alone, and its alerts wait. Raises ConfigurationError for a bad alerts
    file, and sqlite3.Error when the outbox cannot be written.
    """
    file = load_alerts(settings.alerts_file)
    if not file.routes:
        return []
    with Outbox(settings.alerts) as outbox:
        quiet = Quiet(file.maintenance, outbox.mutes(), schedule_zone(settings))
        this = _Round(settings, outbox, quiet, now)
        outbox.remind(now, lambda incident: quiet.holds(incident, now))
        outbox.route(partial(_wanted_by, file.routes, quiet, now), quiet.is_moot, now)
        _escalate(outbox, file.routes, quiet, now)
        return [
            sent
            for name, route in file.routes.items()
            if address(route)
            for sent in _serve(this, name, route)
        ]


def send_test(settings: Settings, name: str, route: Route, now: datetime) -> Sent:
    """Send a test message on one route now, bypassing the outbox.

    A program is told that an incident is over which never was, so that nobody is paged.
    """
    url = address(route)
    if url is None:
        return Sent(name, 0, no_address(route))
    moment = now.astimezone().isoformat(timespec="seconds")
    text = f"Test message sent at {moment} by `aipl alerts test`."
    if route.format == "text":
        test = Message(f"[aipl] test of route {name}", f"{text}\n\n{_origin(settings)}", "info")
        return Sent(name, 0, channel.send(route.to, url, lambda _: test))
    finding = Finding("test", "run_failed", "warning", "nobody", f"test of route {name}", text)
    ended = Incident(0, "test", finding, now, now, now, End("ended", "it was a test"))
    with Outbox(settings.alerts) as outbox:
        return Sent(name, 0, _send(settings, outbox, route, url, [Alert(0, "closed", ended)]))


def address(route: Route) -> str | None:
    """What the variable of a route holds, None where it is not set."""
    return os.environ.get(route.to, "").strip() or None


def no_address(route: Route) -> str:
    """What to do about a route whose variable is not set."""
    return f"no address: set {route.to}"


def _wanted_by(
    routes: Mapping[str, Route], quiet: Quiet, now: datetime, alert: Alert, told: Collection[str]
) -> list[str]:
    """Routes for an alert; that an incident is over goes to the routes that were told of it."""
    if alert.event == "closed":
        return [name for name in routes if name in told]
    if quiet.holds(alert.incident, now):
        return []
    return [
        name
        for name, route in routes.items()
        if (name in told if route.after else route.wants(alert.incident.finding))
        # Pagers remind by themselves.
        and not (alert.event == "reminder" and route.is_pager and name in told)
    ]


def _escalate(outbox: Outbox, routes: Mapping[str, Route], quiet: Quiet, now: datetime) -> None:
    """Tell the next ones of what nobody has taken on in time, counted from when somebody was told of it."""
    for incident in outbox.open_incidents():
        if incident.acked_at or quiet.holds(incident, now):
            continue
        told = outbox.told(incident.incident_id)
        since = incident.snoozed_until or outbox.heard_at(incident.incident_id) or incident.opened_at
        for name, route in routes.items():
            is_due = route.after is not None and since + route.after <= now
            if is_due and name not in told and route.wants(incident.finding):
                outbox.escalate(incident.incident_id, name, now)


def _serve(this: _Round, name: str, route: Route) -> Iterator[Sent]:
    """Send what is due on one route. A service that takes all its time gets the rest in the next round."""
    url, began, outbox = address(route) or "", time.monotonic(), this.outbox
    for parcel in _parcels(route, outbox.waiting(name), this.quiet, this.now):
        if time.monotonic() - began >= channel.SEND_SECONDS:
            return
        if route.is_pager and _never_told(parcel):
            outbox.drop(name, parcel)
        elif alerts := outbox.claim(name, parcel, this.now):
            reason = _send(this.settings, outbox, route, url, alerts)
            outbox.tried(name, alerts, reason, this.now)
            yield Sent(name, len(alerts), reason)


def _parcels(
    route: Route, waiting: Sequence[Delivery], quiet: Quiet, now: datetime
) -> Iterator[list[Delivery]]:
    """Deliveries that go together, if one of them is due.

    All of one incident do, or it might be told of first when it is over. In text also the incidents of one
    scope, one owner and one kind of news do: a gate with sixty failures pages once.
    """
    by_incident: dict[int, list[Delivery]] = {}
    for one in waiting:
        by_incident.setdefault(one.alert.incident.incident_id, []).append(one)
    due = [
        own
        for own in by_incident.values()
        if any(one.next_try_at <= now for one in own) and not quiet.holds(own[0].alert.incident, now)
    ]
    if route.format != "text":
        yield from due
        return

    def belongs(own: list[Delivery]) -> tuple[str, str, str]:
        (news,) = news_of(one.alert for one in own)
        return news.incident.scope, news.incident.finding.owner, news.word

    for _, together in groupby(sorted(due, key=belongs), key=belongs):
        yield [one for own in together for one in own]


def _never_told(parcel: Sequence[Delivery]) -> bool:
    """Whether an incident is over before anybody was paged for it."""
    first = parcel[0]
    is_untried = first.tries == 0 and first.reason is None
    return is_untried and first.alert.event != "closed" and first.alert.incident.closed_at is not None


def _send(settings: Settings, outbox: Outbox, route: Route, url: str, alerts: Sequence[Alert]) -> str | None:
    if route.format == "text":
        telling = Telling(schedule_zone(settings), partial(places, settings), _origin(settings))
        return channel.send(route.to, url, partial(compose, alerts, telling=telling))
    (news,) = news_of(alerts)
    origin = Origin(outbox.warehouse, str(settings.home), socket.gethostname())
    found = places(settings, news.incident.finding)
    for request in requests_for(route, url, news, found, origin):
        if reason := post(request, channel.SEND_SECONDS):
            return channel.redact(reason.replace(url, "***"), url)
    return None


def _origin(settings: Settings) -> str:
    return f"from the warehouse {settings.home} on {socket.gethostname()}"
