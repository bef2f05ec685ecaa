"""Alerts about runs from the command line and from Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orchestration.alerts.delivery import deliver
from orchestration.alerts.findings import Finding
from orchestration.alerts.incidents import observe, open_findings, suppress_alerting_errors
from orchestration.core.disk import require_home
from orchestration.core.errors import AiplError, HomeBusy
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import PLATFORM, outward, stopped_finding
from orchestration.publish.rollback import Rollback, rollback_in_force

SCOPE, ROLLBACK = "run", "rollback"
RESTORE = "docs/runbooks/restore.md"


@dataclass(frozen=True)
class Stopped:
    """A failed step: its name, its message, and the exit code (1: a crash).

    `by_gate` is whether the mart gate stopped it, which tells its findings itself.
    """

    step: str
    message: str
    exit_code: int
    by_gate: bool = False


def observe_run(settings: Settings, stopped: Sequence[Stopped], log: str | None) -> None:
    """Open incidents for failed steps and rollbacks; a successful run resolves them.

    A run that failed proves nothing about what stopped an earlier one further on: that stays open. What the
    mart gate refused is told with its findings, not once more here.
    """
    found = {stop.step: stopped_finding(stop.step, stop.message, log) for stop in stopped if not stop.by_gate}
    if stopped:
        found = {finding.key: finding for finding in open_findings(settings, SCOPE)} | found
    observe(settings, SCOPE, list(found.values()), datetime.now(UTC))
    observe_rollback(settings)


def observe_rollback(settings: Settings) -> None:
    """Open an incident for the rollback in force, until it is undone or something new is published."""
    last, now = rollback_in_force(settings), datetime.now(UTC)
    if last and not last.is_back:
        # The last message on a rollback names who undid it.
        undone = [
            replace(found, title=f"{found.title}; undone at {last.at}{_by(last)}")
            for found in open_findings(settings, ROLLBACK)
            if "; undone at " not in found.title
        ]
        observe(settings, ROLLBACK, undone, now)
    observe(settings, ROLLBACK, [rollback_finding(last)] if last and last.is_back else [], now)


def tell_of_rollback(settings: Settings) -> None:
    """Record a rollback that was just done and send due alerts; a failure here does not undo it."""
    with suppress_alerting_errors():
        observe_rollback(settings)
        deliver(settings, datetime.now(UTC))


def rollback_finding(last: Rollback) -> Finding:
    """The finding of a rollback in force."""
    return Finding(
        key=f"{last.at} {last.to_release}",
        kind="rolled_back",
        severity="warning",
        owner=PLATFORM,
        title=f"release {last.to_release} is read again, not {last.from_release or 'none'}{_by(last)}",
        text=outward("\n".join([f"{last.told}.", *(line.strip() for line in last.lines[1:])])),
        runbook=RESTORE,
    )


def _by(last: Rollback) -> str:
    return f", by {last.by}" if last.by else ""


@contextmanager
def alerting(settings: Settings, *, is_attended: bool) -> Iterator[None]:
    """Send due alerts when the block ends, including one about its exception if the run is unattended.

    Raises EnvironmentStop at once for a home that cannot be written: nor could alerts.
    """
    require_home(settings.home)
    try:
        yield
    except HomeBusy:
        # The other run does the work, and tells how it ends.
        raise
    except Exception as error:
        if not is_attended:
            is_told = isinstance(error, AiplError)
            message = str(error) if is_told else f"{type(error).__name__}: {error}"
            log = None if is_told else str(settings.crash_log)
            with suppress_alerting_errors():
                observe_run(settings, [Stopped("aipl run", message, 1)], log)
        raise
    finally:
        with suppress_alerting_errors():
            deliver(settings, datetime.now(UTC))
