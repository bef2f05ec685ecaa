"""Alerts about runs: those of the command line, and those that Dagster's services start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.lib.alerts.delivery import deliver
from orchestration.lib.alerts.incidents import observe, open_findings, out_of_the_way
from orchestration.lib.alerts.translate import stopped_finding
from orchestration.lib.errors import AiplError
from orchestration.lib.run.job import Stopped, latest_outcome
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

SCOPE = "run"


def observe_run(settings: Settings, stopped: Sequence[Stopped], log: str | None) -> None:
    """Make incidents of what stopped a run; one that ended well recovers them all.

    A run that failed proves nothing about what stopped an earlier one further on: that stays open. What the
    mart gate refused is told with its findings, not once more here.
    """
    found = {stop.step: stopped_finding(stop.step, stop.message, log) for stop in stopped if not stop.by_gate}
    if stopped:
        found = {finding.key: finding for finding in open_findings(settings, SCOPE)} | found
    observe(settings, SCOPE, list(found.values()), datetime.now(UTC))


def observe_latest_run(settings: Settings, instance: DagsterInstance) -> None:
    """Make incidents of how the latest nightly run ended that Dagster knows of."""
    outcome = latest_outcome(instance)
    if outcome is not None:
        run_id, stopped = outcome
        observe_run(settings, stopped, f"Dagster run {run_id}")


@contextmanager
def alerting(settings: Settings, *, is_attended: bool) -> Iterator[None]:
    """Send what is due when the block ends, and tell of what it raises, unless a person sits before it."""
    try:
        yield
    except Exception as error:
        if not is_attended:
            is_told = isinstance(error, AiplError)
            message = str(error) if is_told else f"{type(error).__name__}: {error}"
            log = None if is_told else str(settings.crash_log)
            with out_of_the_way():
                observe_run(settings, [Stopped("aipl run", message, 1)], log)
        raise
    finally:
        with out_of_the_way():
            deliver(settings, datetime.now(UTC))
