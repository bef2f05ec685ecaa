"""Incidents: tell what is wrong now; what is new, worse or over becomes an alert in the outbox."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from orchestration.alerts.findings import Finding, reconcile
from orchestration.alerts.outbox import Outbox
from orchestration.core.disk import disk_full
from orchestration.core.settings import Settings

__all__ = ["Finding", "observe", "open_findings", "suppress_alerting_errors"]


def observe(settings: Settings, scope: str, findings: Sequence[Finding], now: datetime) -> None:
    """Make `findings` all that is wrong in a scope.

    A new one opens an incident; one that is open and not among them has recovered; one that went from warning
    to critical is told again. Scopes: `run`, `arrival/<source>`, `gate/arrival/<source>`, `gate/marts`,
    `gate/release`, `freshness`, `rollback`. Sends nothing. Raises ValueError when two findings share a key,
    sqlite3.Error when the outbox cannot be written.
    """
    with Outbox(settings.alerts) as outbox, outbox.transaction():
        known = {incident.finding.key: incident.finding for incident in outbox.open_incidents(scope)}
        outbox.write(scope, reconcile(known, findings), now)


def open_findings(settings: Settings, scope: str) -> list[Finding]:
    """Findings of the open incidents of a scope, as they were last seen."""
    with Outbox(settings.alerts) as outbox:
        return [incident.finding for incident in outbox.open_incidents(scope)]


@contextmanager
def suppress_alerting_errors() -> Iterator[None]:
    """Keep a failure of alerting from failing, or hiding, what it was to tell of; it is told on stderr."""
    try:
        yield
    except Exception as error:
        print("ALERTING FAILED: nobody may have been told. The reason:", file=sys.stderr)
        if known := disk_full(error):
            print(known, file=sys.stderr)
        else:
            traceback.print_exc()
