"""What is kept only for a time: landed dumps and rejects as declared, reports and run history for a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.lib.arrival.file_versions import FileVersion, effective_of
from orchestration.lib.arrival.landing import landed_path
from orchestration.lib.arrival.manifest import LoadManifest
from orchestration.lib.arrival.parsed import is_whole, parsed_path
from orchestration.lib.lock import writer_lock
from orchestration.lib.sources.source import Source
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

# A little more than a year, so that a night can be compared with the same one of last year.
KEPT_HISTORY = timedelta(days=400)
PRUNED_AT_ONCE = 100


@dataclass(frozen=True)
class Tidied:
    """Number of files removed, by place."""

    landing: int
    rejects: int
    reports: int


def tidy(settings: Settings, sources: Mapping[str, Source], now: datetime) -> Tidied:
    """Remove what has been kept for long enough since it came.

    A landed dump that is in effect stays while raw does not hold it whole: raw would be made again from it.
    """
    landing = rejects = 0
    with writer_lock(settings.home):
        for source in sources.values():
            with LoadManifest(settings.manifest) as manifest:
                versions = manifest.versions(source.source_id)
            kept = source.retention
            if kept.landing_days is not None:
                old = now - timedelta(days=kept.landing_days)
                landing += _remove(_landed(settings, source, versions), old)
            if kept.rejects_days is not None:
                old = now - timedelta(days=kept.rejects_days)
                rejects += _remove((settings.rejects / source.source_id).rglob("*.parquet"), old)
        pages = (path for form in ("json", "html") for path in settings.reports.glob(f"*/*-*.{form}"))
        reports = _remove(pages, now - KEPT_HISTORY)
    return Tidied(landing, rejects, reports)


def prune_history(instance: DagsterInstance, now: datetime) -> int:
    """Remove runs of long ago from Dagster's history, some at a time; returns how many."""
    from dagster import RunsFilter

    old = instance.get_run_records(
        RunsFilter(created_before=now - KEPT_HISTORY), limit=PRUNED_AT_ONCE, ascending=True
    )
    finished = [record.dagster_run.run_id for record in old if record.dagster_run.is_finished]
    for run_id in finished:
        instance.delete_run(run_id)
    return len(finished)


def _landed(settings: Settings, source: Source, versions: list[FileVersion]) -> Iterable[Path]:
    """Landed dumps that may go."""
    needed = {
        landed_path(settings.landing, version.source_id, version.sha256, version.file)
        for version in effective_of(versions, source.tables)
        if not is_whole(parsed_path(settings.raw, version), version)
    }
    places = {
        landed_path(settings.landing, version.source_id, version.sha256, version.file) for version in versions
    }
    return sorted(place for place in places - needed if place.exists())


def _remove(paths: Iterable[Path], before: datetime) -> int:
    old = [path for path in paths if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink()
    return len(old)
