"""What a home knows about the quality of its data, for readers of its releases; read-only.

Each part may be missing: a release can be copied to a place that has nothing else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from expectations.results import GateResult
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import Load
from orchestration.build.state import read_gate
from orchestration.core.settings import Settings

INCIDENT = ["opened_at", "seen_at", "severity", "kind", "title", "owner", "runbook"]


@dataclass(frozen=True)
class StoppedBuild:
    """A build after a release that the mart gate stopped: when (ISO, UTC), and for how many rules."""

    finished_at: str
    findings: int


def known_loads(settings: Settings) -> list[Load] | None:
    """All loads by the load manifest; None without one."""
    if not settings.manifest.exists():
        return None
    return read_arrival(settings, {}).loads


def open_incidents(settings: Settings) -> list[tuple[Any, ...]] | None:
    """A row of `INCIDENT` per open one, oldest first; times are UTC. None in a home without alerts."""
    open_ones = "where recovered_at is null order by incident_id"
    rows = _rows(settings, f"select {', '.join(INCIDENT)} from incidents {open_ones}")
    if rows is None:
        return None
    return [
        (datetime.fromisoformat(opened), datetime.fromisoformat(seen), *told) for opened, seen, *told in rows
    ]


def undelivered_alerts(settings: Settings) -> int:
    """Number of alerts undelivered on some route; 0 in a home without alerts."""
    rows = _rows(settings, "select count(*) from deliveries where state in ('dead', 'pending')")
    return int(rows[0][0]) if rows else 0


def stopped_build(settings: Settings, build_id: str) -> StoppedBuild | None:
    """The last build, if it is another than `build_id` and the gate stopped it: the data are newer then."""
    gate = read_gate(settings)
    if gate is None or gate.passed or gate.build_id == build_id:
        return None
    result = GateResult.from_json(json.dumps(gate.results))
    return StoppedBuild(gate.finished_at, len(result.failures) + len(result.errors))


def _rows(settings: Settings, sql: str) -> Sequence[Sequence[Any]] | None:
    if not settings.alerts.exists():
        return None
    with closing(sqlite3.connect(f"{settings.alerts.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()
