"""Incidents: from current findings; new, worse and closed ones become alerts in the outbox."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from orchestration.alerts.findings import RECOVERED, End, Fate, Finding, Incident
from orchestration.alerts.outbox import Outbox
from orchestration.core.errors import AiplError
from orchestration.core.machine import machine_fault
from orchestration.core.settings import Settings


def all_judged(_: Incident) -> End | None:
    """The fate of what is not found any more where everything was judged."""
    return RECOVERED


def observe(
    settings: Settings, scope: str, findings: Sequence[Finding], now: datetime, fate: Fate = all_judged
) -> None:
    """Make `findings` all that is known to be wrong in a scope.

    A new one opens an incident; one that went from warning to critical is told again. About one that is open
    and not among them `fate` says how it ended, or None where it was not judged: then it stays open. Scopes:
    `run`, `arrival/<source>`, `gate/arrival/<source>`, `gate/marts`, `gate/release`, `freshness`, `rollback`,
    `operation`, `heartbeat`. Sends nothing.

    Raises ValueError when two findings share a key, sqlite3.Error when the outbox cannot be written.
    """
    with Outbox(settings.alerts) as outbox:
        outbox.observe(scope, findings, now, fate)


def end_incidents(settings: Settings, choose: Callable[[Incident], End | None], now: datetime) -> None:
    """Close the open incidents for which `choose` says how they ended, of whatever scope."""
    with Outbox(settings.alerts) as outbox:
        outbox.end(choose, now)


def open_findings(settings: Settings, scope: str) -> list[Finding]:
    """Findings of the open incidents of a scope, as last seen."""
    with Outbox(settings.alerts) as outbox:
        return [incident.finding for incident in outbox.open_incidents(scope)]


@contextmanager
def suppress_alerting_errors() -> Iterator[None]:
    """Report an alerting failure on stderr, so that it neither fails nor hides the run itself."""
    try:
        yield
    except Exception as error:
        print("ALERTING FAILED: alerts may not have been sent. Reason:", file=sys.stderr)
        if known := error if isinstance(error, AiplError) else machine_fault(error):
            print(known, file=sys.stderr)
        else:
            traceback.print_exc()
