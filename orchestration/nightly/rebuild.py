"""Rebuild everything that is derived from landing."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.loads import read_again
from orchestration.arrival.pending import Request, find_pending
from orchestration.build.state import discard_warehouse
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.nightly.run import run_new


def rebuild(settings: Settings, say: Callable[[str], None]) -> int:
    """Read raw again from landing, discard the warehouse and run; returns the exit code of the run.

    A raw file whose dump is no longer intact in landing is kept and reported: it may be the only copy.
    """
    with writer_lock(settings.home):
        arrival = read_arrival(settings)
        # Report problems that must be fixed first before anything is discarded.
        find_pending(settings, arrival.fed(), Request(), configured_schedule(settings).today())
        for lost in read_again(settings, arrival):
            say(f"Kept in raw unchanged: {lost}")
        discard_warehouse(settings)
        return run_new(settings, Request(), say)
