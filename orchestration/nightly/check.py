"""`aipl check`: whether all is well, for Nagios, cron and the like; it reads a home and writes nothing.

The answer is that of a Nagios plugin (https://nagios-plugins.org/doc/guidelines.html): one line, figures
after a bar, and an exit code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from orchestration.arrival.configured import configured_schedule, sources_of_release
from orchestration.core.errors import AiplError, EnvironmentStop, InputError
from orchestration.core.lock import Writer, read_writer
from orchestration.core.printable import counted, printable, shortened, sized
from orchestration.core.readonly import read_only
from orchestration.core.redact import redact
from orchestration.core.settings import Settings
from orchestration.monitoring.nights import Night, read_nights
from orchestration.monitoring.operation import (
    FEWEST_DAYS,
    Disk,
    minutes,
    of_increment,
    read_disk,
    slow_limit,
)
from orchestration.monitoring.watch import freshness_findings
from orchestration.publish.releases import read_current, why_none_is_current

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
SHOWN = 3
LONGEST = 1_000
HOUR = 3600


@dataclass(frozen=True)
class Limits:
    """What is critical: hours of age of the release, hours of a run, bytes left.

    Without hours of age, the release is critical when it misses `fresh_by` of the schedule.
    """

    age_hours: float | None = None
    run_hours: float = 6
    free: float = 1e9


@dataclass(frozen=True)
class Found:
    """One of the things that are looked at: how it is, in words, and its figure."""

    code: int
    text: str
    figure: str


def check(limits: Limits, now: datetime | None = None) -> tuple[int, str]:
    """The exit code and the line of a check of the home of the environment.

    Whatever keeps it from looking is UNKNOWN (3), also a defect of this program: the line says what.
    """
    try:
        settings = Settings.from_environment()
        if not settings.home.is_dir():
            raise InputError(f"There is no home at {settings.home}. Set AIPL_HOME to the folder of the home.")
        found = look(settings, limits, now or datetime.now(UTC))
    except Exception as error:
        told = str(error) if isinstance(error, AiplError) else f"{type(error).__name__}: {error}"
        return UNKNOWN, f"{WORDS[UNKNOWN]} - {_line(redact(told))}"
    code = max(one.code for one in found)
    # What is wrong first, the worst of it before all.
    told = "; ".join(one.text for one in sorted(found, key=lambda one: -one.code))
    return code, f"{WORDS[code]} - {_line(told)} | {' '.join(one.figure for one in found)}"


def look(settings: Settings, limits: Limits, now: datetime) -> list[Found]:
    """Release, incidents, disk and run of a home, in this order.

    Raises AiplError, OSError or sqlite3.Error for what cannot be read.
    """
    nights, writer = read_nights(settings), read_writer(settings.home)
    return [
        of_release(settings, limits, now),
        of_incidents(settings),
        of_disk(read_disk(settings, nights, writer, now), limits),
        of_run(nights, writer, of_increment(settings, writer), limits, now),
    ]


def of_release(settings: Settings, limits: Limits, now: datetime) -> Found:
    """The age of the release, and whether it holds what it should."""
    try:
        current = read_current(settings)
    except EnvironmentStop as damaged:
        return Found(CRITICAL, str(damaged), "release_age=U")
    if current is None:
        return Found(CRITICAL, f"no release: {why_none_is_current(settings).rstrip('.')}", "release_age=U")
    seconds = (now - datetime.fromisoformat(current.manifest["created_at"])).total_seconds()
    text = f"release {current.release_id} is {minutes(seconds)} old"
    if limits.age_hours is not None:
        limit = limits.age_hours * HOUR
        code = CRITICAL if seconds > limit else OK
        text += f", more than {minutes(limit)}" if code else ""
        return Found(code, text, f"release_age={seconds:.0f}s;;{limit:.0f};0")
    late = _late(settings, current.manifest, now)
    text += f" and not fresh: {_some(late)}" if late else " and as fresh as promised"
    return Found(CRITICAL if late else OK, text, f"release_age={seconds:.0f}s;;;0")


def of_incidents(settings: Settings) -> Found:
    """Open critical incidents; warnings are counted."""
    titles: dict[str, list[str]] = {"critical": [], "warning": []}
    if settings.alerts.exists():
        with read_only(settings.alerts) as alerts:
            columns = [column for _, column, *_ in alerts.execute("pragma table_info(incidents)")]
            # What an older version of aipl wrote is read as it is, until something is written again.
            end = "closed_at" if "closed_at" in columns else "recovered_at"
            rows = alerts.execute(f"select severity, title from incidents where {end} is null")
            for severity, title in rows.fetchall():
                titles[severity].append(title)
    critical, warnings = titles["critical"], titles["warning"]
    text = f"{counted(len(critical), 'open critical incident')}: {_some(critical)}" if critical else ""
    figure = f"critical_incidents={len(critical)};;0;0 warning_incidents={len(warnings)};;;0"
    return Found(CRITICAL if critical else OK, text or "no critical incident", figure)


def of_disk(disk: Disk, limits: Limits) -> Found:
    """What is left of the disk: too little for a night, or not enough for a day or a week at its pace."""
    code = OK
    if disk.free < limits.free or (disk.days is not None and disk.days < 1):
        code = CRITICAL
    elif disk.days is not None and disk.days < FEWEST_DAYS:
        code = WARNING
    least = f", less than {sized(limits.free)}" if disk.free < limits.free else ""
    return Found(
        code, f"disk: {disk.text}{least}", f"disk_free={disk.free}B;;{limits.free:.0f}:;0;{disk.total}"
    )


def of_run(
    nights: list[Night], writer: Writer | None, compared: Writer | None, limits: Limits, now: datetime
) -> Found:
    """How long whoever holds the home has held it, by its own note: the process may be on another machine."""
    if writer is None:
        return Found(OK, "no run is active", "run=0s;;;0")
    seconds = max((now - writer.since).total_seconds(), 0)
    usual, most = slow_limit(nights) if compared else None, limits.run_hours * HOUR
    code = CRITICAL if seconds > most else WARNING if usual is not None and seconds > usual else OK
    text = f"process {writer.pid} has held the home for {minutes(seconds)}"
    if code:
        passed = most if code == CRITICAL or usual is None else usual
        text += f", more than {minutes(passed)}: it is slow, hangs or was killed"
    return Found(code, text, f"run={seconds:.0f}s;{'' if usual is None else f'{usual:.0f}'};{most:.0f};0")


def _late(settings: Settings, manifest: Mapping[str, Any], now: datetime) -> list[str]:
    """Feeds that the release should hold and does not, by the schedule and the sources file."""
    retired: dict[str, date] = {}
    if settings.manifest.exists() and settings.manifest.stat().st_size:
        with read_only(settings.manifest) as loads:
            rows = loads.execute("select source_id, kept_from from retired_before")
            retired = {source: date.fromisoformat(day) for source, day in rows}
    loaded = {load["source"] for load in manifest["loads"]}
    sources = sources_of_release(settings, loaded, retired)
    found = freshness_findings(sources, configured_schedule(settings), manifest, now)
    return [finding.title for finding in found]


def _some(titles: list[str]) -> str:
    more = [f"and {len(titles) - SHOWN} more"] if len(titles) > SHOWN else []
    return ", ".join([*titles[:SHOWN], *more])


def _line(text: str) -> str:
    """One line, without the bar that begins the figures."""
    return shortened(printable(" ".join(text.replace("|", "/").split())), LONGEST)
