"""Alerts about runs from the command line and from Dagster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from orchestration.alerts.delivery import deliver
from orchestration.alerts.findings import RECOVERED, End, Finding, Incident
from orchestration.alerts.incidents import observe, suppress_alerting_errors
from orchestration.core.errors import AiplError, HomeBusy
from orchestration.core.machine import require_home
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import (
    PLATFORM,
    cancelled_finding,
    crashed_finding,
    outward,
    stopped_finding,
)
from orchestration.monitoring.readers import readers_have
from orchestration.publish.mirror import MIRROR
from orchestration.publish.rollback import Rollback, rollback_in_force

SCOPE, ROLLBACK = "run", "rollback"
# What a run at the command line is called before it comes to its steps.
COMMAND = "aipl run"
# Exit code of a run that somebody interrupted or cancelled.
INTERRUPTED = 130
RESTORE = "docs/runbooks/restore.md"


@dataclass(frozen=True)
class Stopped:
    """A failed step: its name, its message, and the exit code (1: a crash).

    `by_gate` is whether the mart gate stopped it, which tells its findings itself. `retried` is the id of a
    Dagster run that crashed there and is started again by itself; empty for anything final.
    """

    step: str
    message: str
    exit_code: int
    by_gate: bool = False
    retried: str = ""


def observe_run(
    settings: Settings,
    stopped: Sequence[Stopped],
    log: str | None,
    *,
    did: Callable[[str], bool] = lambda _: True,
    run: str | None = None,
) -> None:
    """Open incidents for failed steps and rollbacks; a successful run closes those of the steps it did.

    `did` says whether the run did a step: what it left out, it says nothing about. `run` is its id in
    Dagster. A run that failed proves nothing about what stopped an earlier one further on: that stays open.
    What the mart gate refused is told with its findings, not once more here.
    """
    readers = readers_have(settings)
    found = [_of_stop(stop, log, run, readers) for stop in stopped if not stop.by_gate]
    fate = partial(_fate, settings, stopped, did)
    observe(settings, SCOPE, list({one.key: one for one in found}.values()), datetime.now(UTC), fate)
    observe_rollback(settings)


def _fate(
    settings: Settings, stopped: Sequence[Stopped], did: Callable[[str], bool], incident: Incident
) -> End | None:
    finding = incident.finding
    if finding.key == MIRROR and settings.mirror_url is None:
        return End("unchecked", "AIPL_MIRROR_URL is not set any more")
    if stopped or not did(finding.key):
        return None
    return End("recovered", "the next run went well") if finding.patience else RECOVERED


def _of_stop(stop: Stopped, log: str | None, run: str | None, readers: str) -> Finding:
    if stop.retried:
        return crashed_finding(stop.step, stop.message, log, stop.retried, readers)
    if stop.exit_code == INTERRUPTED:
        return cancelled_finding(stop.step, stop.message, run, readers)
    stopped = stopped_finding(stop.step, stop.message, log, readers, exit_code=stop.exit_code)
    return replace(stopped, subject=replace(stopped.subject, run=run))


def observe_rollback(settings: Settings) -> None:
    """Open an incident for the rollback in force, until it is undone or something new is published."""
    last, now = rollback_in_force(settings), datetime.now(UTC)
    if last is None:
        why = "something new was published"
    else:
        why = f"{'rolled back again' if last.is_back else 'undone'} at {last.at}{_by(last)}"
    found = [rollback_finding(last)] if last and last.is_back else []
    observe(settings, ROLLBACK, found, now, lambda _: End("ended", why))


def tell_of_rollback(settings: Settings) -> None:
    """Record a rollback that was just done and send due alerts; a failure here does not undo it."""
    with suppress_alerting_errors():
        observe_rollback(settings)
        deliver(settings, datetime.now(UTC))


def rollback_finding(last: Rollback) -> Finding:
    """The finding of a rollback in force."""
    newest = max(last.withdrawn, default=last.from_release)
    return Finding(
        key=f"{last.at} {last.to_release}",
        kind="rolled_back",
        severity="warning",
        owner=PLATFORM,
        title=f"release {last.to_release} is read again, not {last.from_release or 'none'}{_by(last)}",
        text=outward("\n".join([f"{last.told}.", *(line.strip() for line in last.lines[1:-1])])),
        runbook=RESTORE,
        effect=f"Readers have release {last.to_release}; the next new release replaces it.",
        cure=f"Nothing, if it was meant. `aipl rollback {newest}` undoes it.",
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
                observe_run(settings, [Stopped(COMMAND, message, 1)], log)
        raise
    finally:
        with suppress_alerting_errors():
            deliver(settings, datetime.now(UTC))
