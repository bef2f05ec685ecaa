"""Findings, their incidents, and what is told of them: plain values, nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
Event = Literal["opened", "worsened", "reminder", "escalated", "closed"]
State = Literal["pending", "delivered", "dropped", "dead"]
Ending = Literal["recovered", "accepted", "unchecked", "ended"]


@dataclass(frozen=True)
class Subject:
    """What a finding is about, for programs; what does not apply is None or empty.

    `table` is a mart, or `<source>.<table>` on arrival. `load_dates` are those concerned, `unexpected` is how
    many rows (load dates on arrival) break the rule. `run` is the id of a Dagster run.
    """

    source: str | None = None
    brands: tuple[str, ...] = ()
    table: str | None = None
    rule: str | None = None
    load_dates: tuple[date, ...] = ()
    unexpected: int | None = None
    run: str | None = None


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now.

    `key` names the incident, unique within its scope ("fct_fast.start_stock_drift"); `owner` is a team's
    name; `title` is one line; `text` says what, where, how many, with examples but without personal values;
    `effect` what is held back and what readers have meanwhile; `cure` what to do; `link` is a result page or
    a log; `runbook` a page of the documentation. A warning with `patience` may right itself for so long
    before anybody is told.
    """

    key: str
    kind: Kind
    severity: Severity
    owner: str
    title: str
    text: str
    link: str | None = None
    runbook: str | None = None
    effect: str = ""
    cure: str = ""
    subject: Subject = field(default_factory=Subject)
    patience: timedelta = timedelta()


@dataclass(frozen=True)
class End:
    """How an incident ended, and why if the word does not say it.

    `recovered`: its subject was judged again and found right. `accepted`: somebody let it in as it is.
    `unchecked`: nothing judges it any more. `ended`: it was a state, not a fault, and is over.
    """

    word: Ending
    reason: str = ""


RECOVERED = End("recovered")


@dataclass(frozen=True)
class Incident:
    """A finding with its history: when it opened, was last seen, and closed (None: it is open).

    `acked_by` has taken it on, and nobody is reminded of it. Until `snoozed_until` nothing is told of it.
    """

    incident_id: int
    scope: str
    finding: Finding
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    end: End | None = None
    acked_at: datetime | None = None
    acked_by: str | None = None
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None


# What became of an open incident that is not found any more; None where it was not judged.
Fate = Callable[[Incident], End | None]


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


@dataclass(frozen=True)
class Mute:
    """Findings of which nothing is told until `until`: each pattern that is given must match.

    Patterns are those of file names: `*` stands for anything. `rule` is matched with the key of a finding.
    """

    mute_id: int
    made_at: datetime
    until: datetime
    by: str
    reason: str
    source: str | None = None
    rule: str | None = None
    owner: str | None = None

    def is_in_force(self, moment: datetime) -> bool:
        """Whether nothing is told at a moment."""
        return self.made_at <= moment < self.until

    @property
    def patterns(self) -> str:
        """What is muted, in words."""
        given = {"source": self.source, "rule": self.rule, "owner": self.owner}
        return ", ".join(f"{name} {pattern}" for name, pattern in given.items() if pattern)
