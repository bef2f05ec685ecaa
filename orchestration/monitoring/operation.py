"""How the machine fares: a run that takes far longer than usual, and a disk that fills up."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.alerts.findings import Finding
from orchestration.alerts.incidents import observe
from orchestration.build.state import read_build
from orchestration.core.lock import Writer, read_writer
from orchestration.core.printable import sized
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import PLATFORM
from orchestration.monitoring.nights import Night, lost_per_day, read_nights, usual_seconds

SCOPE = "operation"
NIGHTLY_FAILED = "docs/runbooks/nightly-failed.md"
RETENTION = "docs/retention.md"
SLOW = 3
# A night of seconds may well take three times as long on a busy machine.
SLOWER_BY = timedelta(minutes=1)
FEWEST_DAYS = 7


@dataclass(frozen=True)
class Disk:
    """Bytes of the disk of a home.

    `free_between_runs` leaves out what an active run takes and gives back; `lost_per_day` is None while the
    record is too short to say.
    """

    free: int
    total: int
    free_between_runs: int
    lost_per_day: float | None

    @property
    def days(self) -> float | None:
        """How many days the free space lasts; None while that is unknown, or while it does not shrink."""
        if not self.lost_per_day or self.lost_per_day < 0:
            return None
        return self.free_between_runs / self.lost_per_day

    @property
    def text(self) -> str:
        """What is left, and for how long, in words."""
        left = f"{sized(self.free)} of {sized(self.total)} left"
        if self.lost_per_day is None or self.days is None:
            return left
        return f"{left}, {sized(self.lost_per_day)} less each day: it lasts {self.days:,.1f} days"


def observe_operation(settings: Settings, now: datetime) -> None:
    """Open and close the incidents of a slow run and of a disk that does not last a week."""
    nights, writer = read_nights(settings), read_writer(settings.home)
    slow = slow_findings(nights, of_increment(settings, writer), now)
    low = disk_findings(read_disk(settings, nights, writer, now), str(settings.home))
    observe(settings, SCOPE, [*slow, *low], now)


def of_increment(settings: Settings, writer: Writer | None) -> Writer | None:
    """The active run, but not while it builds everything from scratch, which takes longer than usual."""
    build = read_build(settings)
    is_full = build is not None and build.state == "building" and bool(build.in_full)
    return None if is_full else writer


def read_disk(settings: Settings, nights: Sequence[Night], writer: Writer | None, now: datetime) -> Disk:
    """The disk of a home, with what the last night left of it while a run is active."""
    usage = shutil.disk_usage(settings.home)
    between = nights[-1].free if writer and nights else usage.free
    return Disk(usage.free, usage.total, between, lost_per_day(nights, now))


def slow_limit(nights: Sequence[Night]) -> float | None:
    """Seconds after which a run is slow: three times the usual; None while that is unknown."""
    usual = usual_seconds(nights)
    return None if usual is None else max(SLOW * usual, usual + SLOWER_BY.total_seconds())


def slow_findings(nights: Sequence[Night], writer: Writer | None, now: datetime) -> list[Finding]:
    """The finding of a run that is active for too long, else of the last night if it took too long."""
    if writer is not None and (limit := slow_limit(nights)) is not None:
        seconds = (now - writer.since).total_seconds()
        if seconds > limit:
            text = (
                f"Process {writer.pid} has held the home since {writer.since.isoformat(timespec='seconds')}:"
                f" {minutes(seconds)}. {_usual(nights)} It has more to do than usual (a backfill), hangs, or"
                " was killed, and nothing has run since. The log says where it is."
            )
            return [_slow(f"a run has taken {minutes(seconds)} so far", text)]
    if not nights:
        return []
    *before, last = nights
    if last.in_full or (limit := slow_limit(before)) is None or last.seconds <= limit:
        return []
    text = (
        f"The run that ended at {last.ended_at.isoformat(timespec='seconds')} took {minutes(last.seconds)}."
        f" {_usual(before)} Look for more data than usual (`aipl sources`), other programs on the machine,"
        " and a slow disk; the log has the time of each step."
    )
    return [_slow(f"the last run took {minutes(last.seconds)}", text)]


def disk_findings(disk: Disk, home: str) -> list[Finding]:
    """The finding of a disk that does not last a week at the pace of the last two."""
    if disk.days is None or disk.days >= FEWEST_DAYS:
        return []
    text = (
        f"Disk of {home}: {disk.text}. `aipl status --disk` shows what takes it. Enlarge it, keep fewer"
        " releases (AIPL_KEEP_RELEASES), or let sources keep their dumps for a shorter time (`landing_days`)."
    )
    return [
        Finding(
            key="disk",
            kind="disk_low",
            severity="warning",
            owner=PLATFORM,
            title=f"the disk lasts {disk.days:,.1f} days: {sized(disk.free)} left",
            text=text,
            runbook=RETENTION,
        )
    ]


def minutes(seconds: float) -> str:
    """A duration as people say it: "42 s", "12 min", "5 h 3 min"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {rest} min" if hours else f"{rest} min"


def _usual(nights: Sequence[Night]) -> str:
    usual = usual_seconds(nights)
    return f"Usually a run takes {minutes(usual)}." if usual is not None else ""


def _slow(title: str, text: str) -> Finding:
    return Finding("run", "run_slow", "warning", PLATFORM, title, text, runbook=NIGHTLY_FAILED)
