"""Look at arrival and freshness, and tell of what is wrong or has recovered."""

from __future__ import annotations

from datetime import datetime

from orchestration.lib.alerts.incidents import observe
from orchestration.lib.arrival.manifest import LoadManifest
from orchestration.lib.publish.release import read_current
from orchestration.lib.run.news import Request, look
from orchestration.lib.run.watch import arrival_findings, freshness_findings
from orchestration.lib.sources.configured import configured_schedule, configured_sources
from orchestration.settings import Settings


def watch(settings: Settings, now: datetime) -> None:
    """Observe every source that has a place for its dumps, and the current release.

    Raises ConfigurationError when the sources file says something that cannot be.
    """
    fed = {name: source for name, source in configured_sources(settings).items() if source.dumps}
    schedule = configured_schedule(settings)
    news = look(settings, fed, Request(), schedule.today(now))
    for source_id, source in fed.items():
        with LoadManifest(settings.manifest) as manifest:
            versions = manifest.versions(source_id)
        findings = arrival_findings(source, schedule, news, versions, now)
        observe(settings, f"arrival/{source_id}", findings, now)
    current = read_current(settings)
    release = current.manifest if current else None
    observe(settings, "freshness", freshness_findings(fed, schedule, release, now), now)
