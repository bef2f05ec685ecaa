"""One source without the records of erased persons: landing, raw, arrivals and rejects."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.arrival.erasing.landed import (
    discard_unreadable,
    remember_documents,
    search_in,
    take_out_of_landing,
)
from orchestration.arrival.erasing.records import (
    Search,
    count_records,
    find_rejects,
    find_rows,
    keep_others,
)
from orchestration.arrival.file_versions import FileVersion, Rewritten, State
from orchestration.arrival.landing import INCOMING, landed_copy
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import parsed_path
from orchestration.core.files import sha256 as checksum
from orchestration.core.privacy.erased import read_erased
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Table


def sweep(settings: Settings, manifest: LoadManifest, source: Source) -> Counter[str]:
    """Take all erased persons out of what a source has delivered; returns records and files removed by place.

    Documents found to be theirs are theirs wherever they stand, so that the sweep goes on until it finds none
    that is new. A killed one is finished by another.
    """
    removed: Counter[str] = Counter()
    shutil.rmtree(settings.landing / source.source_id / INCOMING, ignore_errors=True)
    removed["landing, files of no load"] += _discard_unknown(settings, manifest, source)
    while True:
        listed = read_erased(settings)
        for version in manifest.versions(source.source_id):
            if version.state is State.RETIRED:
                continue
            if version.table_name in source.tables:
                removed += _sweep_version(settings, manifest, source, version)
        if read_erased(settings) == listed:
            return removed


def _discard_unknown(settings: Settings, manifest: LoadManifest, source: Source) -> int:
    """Remove landed files that a killed pull left, which reads them again, and damaged ones."""
    versions = {landed_copy(settings, version): version for version in manifest.versions(source.source_id)}
    unknown = [
        path
        for path in _files(settings.landing / source.source_id)
        if path not in versions or versions[path].erased_from(checksum(path)) is None
    ]
    for path in unknown:
        path.unlink()
    return len(unknown)


def _sweep_version(
    settings: Settings, manifest: LoadManifest, source: Source, version: FileVersion
) -> Counter[str]:
    search = search_in(read_erased(settings), source, version.table_name, version.declaration)
    landed = landed_copy(settings, version)
    removed: Counter[str] = Counter()
    if landed.exists() and version.is_readable:
        removed["landing, records"] += take_out_of_landing(
            settings, manifest, search, landed, (version.file, version.sha256)
        )
    elif not version.is_readable:
        removed["landing, files"] += discard_unreadable(search, landed, version.file)
        return removed
    gone: list[int] = []
    for place in ("raw", "arrivals", "rejects"):
        path = parsed_path(getattr(settings, place), version)
        if path.exists():
            found = _take_out(settings, search, path, find_rejects if place == "rejects" else find_rows)
            removed[f"{place}, records"] += len(found)
            gone += found
    if gone and not landed.exists():
        known = version.rewritten[-1].erased if version.rewritten else ()
        state = Rewritten("", tuple(sorted({*known, *gone})))
        manifest.rewrite(version.source_id, version.file, version.sha256, state)
    # A killed sweep may have taken rows out and not counted the rest.
    if removed.total() or version.rewritten:
        _count_again(settings, manifest, search.table, version)
    return removed


def _take_out(
    settings: Settings, search: Search, path: Path, find: Callable[[Search, Path], list[int]]
) -> list[int]:
    found = find(search, path)
    remember_documents(settings, search)
    if found:
        keep_others(path, found)
    return found


def _count_again(settings: Settings, manifest: LoadManifest, table: Table, version: FileVersion) -> None:
    parsed = [parsed_path(getattr(settings, place), version) for place in ("raw", "arrivals")]
    whole = next((path for path in parsed if path.exists()), None)
    landed, rejects = landed_copy(settings, version), parsed_path(settings.rejects, version)
    if whole:
        rows = int(pq.read_metadata(whole).num_rows)
        unreadable = int(pq.read_metadata(rejects).num_rows) if rejects.exists() else 0
        if rejects.exists() and not unreadable:
            rejects.unlink()
    else:
        rows, unreadable = count_records(table, landed, version.file)
    manifest.count_again(version.version_id, rows, unreadable)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
