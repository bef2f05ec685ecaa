"""Look at arrival and freshness, and tell of what is wrong or has recovered."""

from __future__ import annotations

from datetime import datetime

from orchestration.alerts.incidents import observe
from orchestration.arrival.configured import configured_schedule, configured_sources
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pending import Request, find_pending
from orchestration.core.settings import Settings
from orchestration.monitoring.lateness import freshness_findings, lateness_findings
from orchestration.publish.release import read_current


def watch(settings: Settings, now: datetime) -> None:
    """Observe every source that has a place for its dumps, and the current release.

    Raises ConfigurationError when the sources file says something that cannot be.
    """
    fed = {name: source for name, source in configured_sources(settings).items() if source.dumps}
    schedule = configured_schedule(settings)
    pending = find_pending(settings, fed, Request(), schedule.today(now))
    for source_id, source in fed.items():
        with LoadManifest(settings.manifest) as manifest:
            versions = manifest.versions(source_id)
        findings = lateness_findings(source, schedule, pending, versions, now)
        observe(settings, f"arrival/{source_id}", findings, now)
    current = read_current(settings)
    release = current.manifest if current else None
    observe(settings, "freshness", freshness_findings(fed, schedule, release, now), now)
