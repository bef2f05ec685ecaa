"""Findings, incidents and how they change: plain values, nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["run_failed", "source_late", "source_empty", "gate_failed", "freshness_missed", "rolled_back"]
Severity = Literal["critical", "warning"]
# "known" is a finding that was there before: its incident is brought up to date, and nobody is told.
Event = Literal["opened", "worsened", "known", "reminder", "recovered"]


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


def reconcile(known: Mapping[str, Finding], found: Sequence[Finding]) -> Iterator[tuple[Event, Finding]]:
    """What became of a scope: every key of either side once, those that recovered last.

    `known` are the findings of the open incidents by key. Raises ValueError when two findings share a key:
    one of them would be lost.
    """
    now = {finding.key: finding for finding in found}
    if len(now) < len(found):
        keys = [finding.key for finding in found]
        raise ValueError(f"Two findings are named {max(keys, key=keys.count)}.")
    for key, finding in now.items():
        before = known.get(key)
        if before is None:
            yield "opened", finding
        elif (before.severity, finding.severity) == ("warning", "critical"):
            yield "worsened", finding
        else:
            yield "known", finding
    for key, before in known.items():
        if key not in now:
            yield "recovered", before
