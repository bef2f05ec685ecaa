"""Findings, their incidents, and what is told of them: plain values, nothing is stored or sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal[
    "run_failed",
    "source_late",
    "source_empty",
    "gate_failed",
    "freshness_missed",
    "rolled_back",
    "run_slow",
    "disk_low",
    "heartbeat_failed",
]
Severity = Literal["critical", "warning"]
Event = Literal["opened", "worsened", "reminder", "recovered"]
State = Literal["pending", "delivered", "dead"]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now.

    `key` names the incident, unique within its scope ("fct_fast.start_stock_drift"); `owner` is a team's
    name; `title` is one line; `text` says what, where, how many, with examples but without personal values;
    `link` is a result page or a log; `runbook` a page of the documentation.
    """

    key: str
    kind: Kind
    severity: Severity
    owner: str
    title: str
    text: str
    link: str | None = None
    runbook: str | None = None


@dataclass(frozen=True)
class Incident:
    """A finding with its history: when it opened, was last seen, and recovered (None: it is open)."""

    incident_id: int
    scope: str
    finding: Finding
    opened_at: datetime
    seen_at: datetime
    recovered_at: datetime | None = None


@dataclass(frozen=True)
class Alert:
    """One thing to tell of an incident; the incident is as it stands now."""

    alert_id: int
    event: Event
    incident: Incident


@dataclass(frozen=True)
class Delivery:
    """An alert on its way to a route; `reason` says why the last try failed."""

    route: str
    state: State
    tries: int
    next_try_at: datetime
    reason: str | None
    alert: Alert
