"""What is usual: how long the nights took that published something, and what they left of the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from orchestration.build.state import read_build
from orchestration.core.atomic import replacing
from orchestration.core.lock import read_writer
from orchestration.core.settings import Settings

KEPT_NIGHTS = 100
# How many nights, and from how many days, say what is usual now; fewer than three say nothing.
LOOKED_BACK, LOOKED_BACK_DAYS, FEWEST = 14, timedelta(days=14), 3
# Two runs of one morning say nothing of a day.
APART = timedelta(hours=12)


@dataclass(frozen=True)
class Night:
    """A run that published a release: its end, how long it held the home, and the bytes then free.

    `in_full` is whether everything was built from scratch, which takes longer.
    """

    ended_at: datetime
    seconds: float
    in_full: bool
    free: int


def record_night(settings: Settings, now: datetime) -> None:
    """Note the run that holds the writer's lock, which ends now. The last hundred are kept.

    Without the note of who took the lock, which somebody removed, nobody knows since when, and none is added.
    """
    writer, build = read_writer(settings.home), read_build(settings)
    if writer is None:
        return
    night = Night(
        now,
        (now - writer.since).total_seconds(),
        bool(build and build.in_full),
        shutil.disk_usage(settings.home).free,
    )
    nights = [*read_nights(settings), night][-KEPT_NIGHTS:]
    with replacing(settings.nights) as part:
        part.write_text("".join(f"{json.dumps(_told(one))}\n" for one in nights))


def read_nights(settings: Settings) -> list[Night]:
    """The nights on record, oldest first; a damaged record counts as none, and begins again."""
    try:
        return [_night(json.loads(line)) for line in settings.nights.read_text().splitlines()]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []


def usual_seconds(nights: Sequence[Night]) -> float | None:
    """Median duration of the last nights that built an increment; None while there are fewer than three."""
    seconds = [night.seconds for night in nights if not night.in_full][-LOOKED_BACK:]
    return median(seconds) if len(seconds) >= FEWEST else None


def lost_per_day(nights: Sequence[Night], now: datetime) -> float | None:
    """Bytes by which the free space shrinks a day; None while the record is too short to say.

    It is the median from night to night over two weeks, so that a day on which much was copied or deleted
    does not count as a habit.
    """
    looked: list[Night] = []
    for night in nights:
        if night.ended_at > now - LOOKED_BACK_DAYS and (
            not looked or night.ended_at - looked[-1].ended_at >= APART
        ):
            looked.append(night)
    lost = [
        (one.free - other.free) / ((other.ended_at - one.ended_at) / timedelta(days=1))
        for one, other in pairwise(looked)
    ]
    return median(lost) if len(lost) >= FEWEST else None


def _told(night: Night) -> dict[str, object]:
    return {
        "ended_at": night.ended_at.isoformat(timespec="seconds"),
        "seconds": round(night.seconds),
        "in_full": night.in_full,
        "free": night.free,
    }


def _night(told: dict[str, object]) -> Night:
    return Night(
        datetime.fromisoformat(str(told["ended_at"])),
        float(str(told["seconds"])),
        bool(told["in_full"]),
        int(str(told["free"])),
    )
