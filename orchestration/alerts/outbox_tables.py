"""The tables of the outbox, and their rows as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

from orchestration.alerts.findings import Event, Finding, Incident

State = Literal["pending", "delivered", "dead"]

FINDING = [field.name for field in fields(Finding)]
SCHEMA = """
create table incidents (
    incident_id integer primary key,
    scope text not null,
    key text not null,
    kind text not null,
    severity text not null,
    owner text not null,
    title text not null,
    text text not null,
    link text,
    runbook text,
    opened_at text not null,
    seen_at text not null,
    recovered_at text
) strict;
create unique index if not exists one_open_incident on incidents (scope, key) where recovered_at is null;
create table alerts (
    alert_id integer primary key,
    incident_id integer not null references incidents,
    event text not null,
    created_at text not null,
    is_routed integer not null default 0
) strict;
create index alerts_of_incident on alerts (incident_id);
create table deliveries (
    alert_id integer not null references alerts,
    route text not null,
    state text not null,
    tries integer not null,
    next_try_at text not null,
    reason text,
    delivered_at text,
    primary key (alert_id, route)
) strict;
create index deliveries_of_route on deliveries (route, state, next_try_at);
"""
FORMAT = 1
INCIDENT = ", ".join(
    [
        "incident_id",
        "scope",
        *(f"incidents.{name}" for name in FINDING),
        "opened_at",
        "seen_at",
        "recovered_at",
    ]
)


@dataclass(frozen=True)
class Alert:
    """One thing to tell of an incident; the incident is as it stands now."""

    alert_id: int
    event: Event
    incident: Incident


@dataclass(frozen=True)
class Delivery:
    """An alert on its way to a route; `reason` says why the last try failed."""

    alert: Alert
    route: str
    state: State
    tries: int
    next_try_at: datetime
    reason: str | None


def stamp(moment: datetime) -> str:
    """A time in UTC and in one width, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_incident(row: Sequence[Any]) -> Incident:
    """The incident in a row of `INCIDENT` columns."""
    incident_id, scope, *finding, opened, seen, recovered = row
    return Incident(
        incident_id=incident_id,
        scope=scope,
        finding=Finding(*finding),
        opened_at=datetime.fromisoformat(opened),
        seen_at=datetime.fromisoformat(seen),
        recovered_at=datetime.fromisoformat(recovered) if recovered else None,
    )
