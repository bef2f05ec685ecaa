"""`aipl status --disk`: what takes how much of the disk, and what is kept for how long."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.arrival.configured import configured_sources
from orchestration.arrival.retention import KEPT_REPORTS
from orchestration.build.dbt import KEPT_TARGETS
from orchestration.core.errors import InputError
from orchestration.core.lock import read_writer
from orchestration.core.printable import counted, sized
from orchestration.core.settings import Settings
from orchestration.defs.instance import KEPT_FAILED_RUNS, KEPT_RUNS
from orchestration.monitoring.nights import KEPT_NIGHTS, read_nights
from orchestration.monitoring.operation import read_disk
from orchestration.nightly.job import KEPT_LOGS
from orchestration.nightly.summary_tables import table
from orchestration.sources.source import Source

# What the file system allots is counted in blocks of this many bytes (`st_blocks` of POSIX).
BLOCK = 512
IN_EFFECT = "as long as it is in effect"


@dataclass(frozen=True)
class Used:
    """What files take of the disk, in bytes, and how many they are."""

    size: int
    files: int

    def without(self, others: Collection[Used]) -> Used:
        """What is left of it when these are taken away."""
        return Used(
            max(self.size - sum(other.size for other in others), 0),
            max(self.files - sum(other.files for other in others), 0),
        )


@dataclass(frozen=True)
class Place:
    """A part of a home, and how long what is in it is kept."""

    what: str
    path: Path
    kept: str


def disk_text(settings: Settings) -> str:
    """A table of what takes the disk, the largest first, and what is left of it.

    Raises InputError when there is no home yet, ConfigurationError for a sources file that cannot be read.
    """
    if not settings.home.is_dir():
        raise InputError(f"There is no home at {settings.home} yet. Set AIPL_HOME, or run `aipl run` first.")
    found = {place: used(place.path) for place in places(settings)}
    lines = sorted(found.items(), key=lambda line: -line[1].size)
    rows = [(place.what, sized(taken.size), taken.files, place.kept) for place, taken in lines]
    home = used(settings.home)
    rest = home.without(found.values())
    rows.append(
        (
            "other files in the home",
            sized(rest.size),
            rest.files,
            "never deleted: your dumps, `manual/`, keys",
        )
    )
    rows.append(("the home", sized(home.size), home.files, ""))
    disk = read_disk(settings, read_nights(settings), read_writer(settings.home), datetime.now(UTC))
    return f"{table(['what', 'size', 'files', 'kept'], rows)}\nDisk of {settings.home}: {disk.text}\n"


def places(settings: Settings) -> list[Place]:
    """Every place of a home that a run writes to."""
    sources = list(configured_sources(settings).values())
    history = settings.dagster_home
    runs = f"runs {_days(KEPT_RUNS.days)}, failed ones {_days(KEPT_FAILED_RUNS.days)}"
    return [
        Place("landing", settings.landing, _by_source(sources, "landing_days", "forever")),
        Place("raw", settings.raw, _by_source(sources, "raw_days", IN_EFFECT)),
        Place("rejects", settings.rejects, _by_source(sources, "rejects_days", IN_EFFECT, "text ")),
        Place("trials of staging", settings.trials, IN_EFFECT),
        Place("arrivals", settings.arrivals, "until accepted or corrected"),
        Place("warehouse", settings.warehouse.parent, "until it is built in full again"),
        Place("releases", settings.published, f"the newest {settings.kept_releases} (AIPL_KEEP_RELEASES)"),
        Place("gate reports", settings.reports, _days(KEPT_REPORTS.days)),
        Place("logs", settings.home / "logs", f"the last {KEPT_LOGS} runs"),
        Place("Dagster's history", history, runs),
        Place("dbt targets", settings.dbt_target, f"the last {KEPT_TARGETS} runs"),
        Place("inputs of dbt", settings.arrival, "until the next run"),
        Place("load manifest", settings.manifest, "forever"),
        Place("alerts", settings.alerts, "forever"),
        Place("record of nights", settings.nights, f"the last {KEPT_NIGHTS} nights"),
    ]


def used(path: Path) -> Used:
    """What a file, or all below a folder, takes; nothing where there is none. Links are not followed."""
    sizes = list(_allotted(path))
    return Used(sum(sizes), len(sizes))


def _allotted(path: Path) -> Iterator[int]:
    try:
        if path.is_dir() and not path.is_symlink():
            for entry in os.scandir(path):
                yield from _allotted(Path(entry.path))
        elif path.exists():
            yield path.lstat().st_blocks * BLOCK
    except FileNotFoundError:
        # A run that is active removes files meanwhile.
        return


def _by_source(sources: Collection[Source], name: str, otherwise: str, what: str = "") -> str:
    """How long the copies of each source are kept: those that declare it, and what holds for the others."""
    declared = {source.source_id: getattr(source.retention, name) for source in sources}
    told = [f"{source_id} {what}{_days(days)}" for source_id, days in declared.items() if days is not None]
    others = [otherwise] if len(told) < len(declared) or not declared else []
    return "; ".join([*told, *(f"others {text}" if told else text for text in others)])


def _days(days: int) -> str:
    return counted(days, "day")
