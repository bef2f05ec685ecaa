"""Look at arrival and freshness, and tell of what is wrong or has recovered."""

from __future__ import annotations

from datetime import datetime

from orchestration.alerts.incidents import observe
from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.pending import Request, find_pending
from orchestration.core.settings import Settings
from orchestration.monitoring.lateness import freshness_findings, lateness_findings
from orchestration.publish.release import read_current


def watch(settings: Settings, now: datetime) -> None:
    """Observe every source that has a place for its dumps, and the current release.

    Raises ConfigurationError when the sources file says something that cannot be.
    """
    arrival = read_arrival(settings).fed()
    schedule = configured_schedule(settings)
    pending = find_pending(settings, arrival, Request(), schedule.today(now))
    for source_id, source in arrival.sources.items():
        findings = lateness_findings(source, schedule, pending, arrival.of(source_id).versions, now)
        observe(settings, f"arrival/{source_id}", findings, now)
    current = read_current(settings)
    release = current.manifest if current else None
    observe(settings, "freshness", freshness_findings(arrival.sources, schedule, release, now), now)
