"""Of which incidents nothing is told now: muted or snoozed ones, and those of work that was announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase

from orchestration.alerts.findings import Finding, Incident, Mute
from orchestration.alerts.routes import Once, Weekly


@dataclass(frozen=True)
class Quiet:
    """Windows of maintenance, in a zone, and mutes."""

    maintenance: Sequence[Once | Weekly] = ()
    mutes: Sequence[Mute] = ()
    zone: tzinfo = UTC

    def reason(self, finding: Finding, moment: datetime) -> str | None:
        """Why nothing is told of a finding at a moment; None where it is told."""
        for window in self.maintenance:
            if window.contains(moment, self.zone) and window.concerns(finding):
                return f"maintenance: {window.reason}"
        for mute in self.mutes:
            if mute.is_in_force(moment) and matches(mute, finding):
                return f"muted by {mute.by}: {mute.reason}"
        return None

    def holds(self, incident: Incident, now: datetime) -> bool:
        """Whether news of an open incident wait: that it is over never waits."""
        finding, until = incident.finding, incident.snoozed_until
        if incident.closed_at:
            return False
        is_young = finding.severity == "warning" and now < incident.opened_at + finding.patience
        return is_young or (until is not None and now < until) or self.reason(finding, now) is not None

    def is_moot(self, incident: Incident) -> bool:
        """Whether an incident that nobody was told of is over, and ended while nothing was to be told."""
        closed, until = incident.closed_at, incident.snoozed_until
        if closed is None:
            return False
        return (until is not None and closed < until) or self.reason(incident.finding, closed) is not None


def matches(mute: Mute, finding: Finding) -> bool:
    """Whether each pattern of a mute that is given matches."""
    patterns = ((mute.source, finding.subject.source), (mute.rule, finding.key), (mute.owner, finding.owner))
    return all(fnmatchcase(value or "", pattern) for pattern, value in patterns if pattern is not None)
