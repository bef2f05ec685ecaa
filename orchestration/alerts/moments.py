"""Times as people write and read them: durations, moments in the schedule's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings
from orchestration.sources.schedule import load_schedule

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def schedule_zone(settings: Settings) -> tzinfo:
    """The zone of the schedule; UTC while the sources file cannot be read, which must not stop alerts."""
    try:
        return load_schedule(settings.sources_file).zone
    except ConfigurationError:
        return UTC


def said(moment: datetime, zone: tzinfo) -> str:
    """A moment as messages show it: "2026-03-01 02:30 Asia/Shanghai"."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}"


def duration(text: object) -> timedelta:
    """Read "30m", "4h" or "2d". Raises ValueError."""
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", str(text))
    if match is None:
        raise ValueError(f"{text!r} is no duration; write one such as 30m, 4h or 2d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def told_duration(span: timedelta) -> str:
    """A span in its two largest units: "2 h 5 min", "3 d 4 h"."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "d"), (hours, "h"), (minutes % 60, "min")]
    told = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(told[:2]) or "less than 1 min"


def moment(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a duration from now, or a date or a moment in the zone: "4h", "2026-03-01", "2026-03-01 08:00".

    Raises ValueError for anything else, and for what is not after `now`.
    """
    if re.fullmatch(r"\d+[a-z]", text):
        return now + duration(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write 4h, 2d, 2026-03-01 or '2026-03-01 08:00'") from None
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    if found <= now:
        raise ValueError(f"{text!r} is in the past")
    return found
