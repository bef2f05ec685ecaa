"""Retention: past days, landed dumps and text of rejects as declared, reports for a year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import Arrival
from orchestration.arrival.file_versions import Deliveries, FileVersion, State
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import is_whole, parsed_path
from orchestration.core.atomic import replacing
from orchestration.core.lock import writer_lock
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.sources.calendar import is_retired
from orchestration.sources.source import Source

# A little more than a year, so that a night can be compared with the same one of last year.
KEPT_REPORTS = timedelta(days=400)


def retire(settings: Settings, arrival: Arrival) -> list[str]:
    """Note the file versions of days before `kept_from`, and remove their dumps from landing.

    `promote`, which must follow, removes them from raw, arrivals and rejects. Returns how much that was, in
    words, for each source where something was due. A killed one is finished by the next.
    """
    told = []
    for source_id, source in arrival.sources.items():
        if source.kept_from is None:
            continue
        versions = [v for v in arrival.of(source_id).versions if v.table_name in source.tables]
        retired = [version for version in versions if version.state is State.RETIRED]
        held = [version for version in versions if version.state is not State.RETIRED]
        due = [v for v in held if is_retired(source, v.table_name, v.load_date)]
        kept = [v for v in held if not is_retired(source, v.table_name, v.load_date)]
        with LoadManifest(settings.manifest) as manifest:
            if due or manifest.retired_before().get(source_id) != source.kept_from:
                manifest.retire(source_id, source.kept_from, due)
        for path in _copies(settings, [*retired, *due]) - _copies(settings, kept):
            if path.exists():
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
        if due:
            told.append(
                f"Retired {source_id}, days before {source.kept_from}: {_counted(due)}."
                f" Kept: {_counted(kept)}."
            )
    return told


@dataclass(frozen=True)
class Tidied:
    """Files removed from landing and reports, and files of rejects whose text was removed."""

    landing: int
    rejects: int
    reports: int


def tidy(settings: Settings, arrival: Arrival, now: datetime) -> Tidied:
    """Remove what has passed its retention period.

    A landed dump in effect is kept while its raw file is not intact, which would be rebuilt from it.
    """
    landing = rejects = 0
    with writer_lock(settings.home):
        for source_id, source in arrival.sources.items():
            kept = source.retention
            if kept.landing_days is not None:
                old = now - timedelta(days=kept.landing_days)
                landing += _remove(_landed(settings, source, arrival.of(source_id)), old)
            if kept.rejects_days is not None:
                old = now - timedelta(days=kept.rejects_days)
                rejects += _forget_text((settings.rejects / source_id).rglob("*.parquet"), old)
        pages = (path for form in ("json", "html") for path in settings.reports.glob(f"*/*-*.{form}"))
        reports = _remove(pages, now - KEPT_REPORTS)
    return Tidied(landing, rejects, reports)


def _landed(settings: Settings, source: Source, deliveries: Deliveries) -> Iterable[Path]:
    """Landed dumps that may be removed."""
    effective = deliveries.effective_of(source.tables)
    torn = [version for version in effective if not is_whole(parsed_path(settings.raw, version), version)]
    places = _copies(settings, deliveries.versions) - _copies(settings, torn)
    return sorted(place for place in places if place.exists())


def _copies(settings: Settings, versions: Iterable[FileVersion]) -> set[Path]:
    return {landed_copy(settings, version) for version in versions}


def _counted(versions: list[FileVersion]) -> str:
    records = sum((version.row_count or 0) + version.unreadable_count for version in versions)
    return f"{counted(len(versions), 'file version')} with {counted(records, 'record')}"


def _forget_text(paths: Iterable[Path], before: datetime) -> int:
    """Keep the rows of old rejects with their reasons, so that records still add up, without their text."""
    told = [path for path in _older(paths, before) if _has_text(path)]
    for path in told:
        rejects = pq.read_table(path, partitioning=None)
        at = rejects.schema.get_field_index("raw_text")
        nothing = pa.nulls(rejects.num_rows, pa.string())
        with replacing(path) as part:
            pq.write_table(rejects.set_column(at, "raw_text", nothing), part)
    return len(told)


def _has_text(path: Path) -> bool:
    try:
        text = pq.read_table(path, columns=["raw_text"], partitioning=None)["raw_text"]
    except (OSError, pa.ArrowInvalid):
        # Code that counts its rows reports a damaged file.
        return False
    return bool(text.null_count < len(text))


def _remove(paths: Iterable[Path], before: datetime) -> int:
    old = _older(paths, before)
    for path in old:
        path.unlink()
    return len(old)


def _older(paths: Iterable[Path], before: datetime) -> list[Path]:
    return [path for path in paths if path.stat().st_mtime < before.timestamp()]
