"""Retention: landed dumps and text of rejects as declared, reports and runs for a year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import Arrival
from orchestration.arrival.file_versions import Deliveries
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.parsed import is_whole, parsed_path
from orchestration.core.atomic import replacing
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

# A little more than a year, so that a night can be compared with the same one of last year.
KEPT_HISTORY = timedelta(days=400)


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
        reports = _remove(pages, now - KEPT_HISTORY)
    return Tidied(landing, rejects, reports)


def _landed(settings: Settings, source: Source, deliveries: Deliveries) -> Iterable[Path]:
    """Landed dumps that may be removed."""
    needed = {
        landed_copy(settings, version)
        for version in deliveries.effective_of(source.tables)
        if not is_whole(parsed_path(settings.raw, version), version)
    }
    places = {landed_copy(settings, version) for version in deliveries.versions}
    return sorted(place for place in places - needed if place.exists())


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
