"""What a source has delivered without the records of erased persons: landing, raw, arrivals and rejects."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from orchestration.arrival.erasing.order import add_documents
from orchestration.arrival.erasing.records import (
    Search,
    count_records,
    find_records,
    find_rejects,
    find_rows,
    keep_others,
    take_out,
    tells_of_erased,
)
from orchestration.arrival.file_versions import FileVersion, Rewritten, State
from orchestration.arrival.landing import INCOMING, landed_copy
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import parsed_path
from orchestration.arrival.readers import UnreadableDump
from orchestration.arrival.readers.base import numbers_among
from orchestration.arrival.trials import forget_erased
from orchestration.core.atomic import replacing
from orchestration.core.files import sha256 as checksum
from orchestration.core.privacy.erased import Erased, read_erased, write_erased
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Table


def search_in(erased: Erased, source: Source, table_name: str, declaration: str | None = None) -> Search:
    """The look for erased persons in a table, read as a `declaration` says, by default the present one."""
    declared = source.tables[table_name]
    table = Table.declared_as(declaration) if declaration else declared
    return Search(
        erased,
        source.source_id,
        source.identity_space,
        table,
        declared.identifiers,
        source.id_case,
        bool(source.keys),
    )


def take_out_of_landing(
    settings: Settings, manifest: LoadManifest, search: Search, landed: Path, dump: tuple[str, str]
) -> int:
    """Take erased persons out of a landed dump, of this name and checksum; returns how many records went.

    Documents of theirs that turn up join the list. A dump that cannot be read as a whole stays.
    """
    file, sha256 = dump
    try:
        found = find_records(search, landed, file)
    except UnreadableDump:
        return 0
    remember_documents(settings, search)
    if not found:
        return 0
    known = manifest.rewritten(search.source_id, *dump)
    before = next((state.erased for state in known if state.sha256 == checksum(landed)), ())
    delivered = numbers_among(np.array(found, dtype=np.int64), np.array(before, dtype=np.int64)).tolist()
    with replacing(landed) as part:
        take_out(landed, part, file, search.table, found)
        state = Rewritten(checksum(part), tuple(sorted({*before, *delivered})))
        manifest.rewrite(search.source_id, file, sha256, state)
    landed.chmod(0o444)
    return len(found)


def discard_unreadable(search: Search, landed: Path, file: str) -> bool:
    """Remove a landed dump that cannot be read as a whole and names an erased person; whether it did."""
    if not landed.exists() or not tells_of_erased(search, landed, file):
        return False
    landed.unlink()
    return True


def remember_documents(settings: Settings, search: Search) -> None:
    """Put what a search found to be an erased person's on the list."""
    erased = read_erased(settings)
    more = erased.having_keys(search.documents)
    if more != erased:
        add_documents(settings, search.documents)
        write_erased(settings, more)


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
            if version.state is not State.RETIRED and version.table_name in source.tables:
                removed += _sweep_version(settings, manifest, source, version)
        if read_erased(settings) == listed:
            return removed


def count_rows(settings: Settings, manifest: LoadManifest, source: Source, erased: Erased) -> int:
    """How many rows of raw a sweep of these erased persons would take out; nothing is changed."""
    while True:
        found, listed = 0, erased
        for version in manifest.versions(source.source_id):
            path = parsed_path(settings.raw, version)
            if version.table_name in source.tables and path.exists():
                search = search_in(erased, source, version.table_name, version.declaration)
                found += len(find_rows(search, path))
                erased = erased.having_keys(search.documents)
        if erased == listed:
            return found


def _discard_unknown(settings: Settings, manifest: LoadManifest, source: Source) -> int:
    """Remove landed files that a killed pull left, which reads them again, and damaged ones."""
    versions = {landed_copy(settings, version): version for version in manifest.versions(source.source_id)}
    unknown = [
        path
        for path in (settings.landing / source.source_id).rglob("*")
        if path.is_file() and (path not in versions or versions[path].erased_from(checksum(path)) is None)
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
    for place, find in (("raw", find_rows), ("arrivals", find_rows), ("rejects", find_rejects)):
        path = parsed_path(getattr(settings, place), version)
        if path.exists() and (found := find(search, path)):
            remember_documents(settings, search)
            keep_others(path, found)
            removed[f"{place}, records"] += len(found)
            gone += found
    # A killed sweep may have left it.
    forget_erased(settings, version)
    if gone and not landed.exists():
        known = version.rewritten[-1].erased if version.rewritten else ()
        state = Rewritten("", tuple(sorted({*known, *gone})))
        manifest.rewrite(version.source_id, version.file, version.sha256, state)
    # A killed sweep may have taken rows out and not counted the rest.
    if removed.total() or version.rewritten:
        _count_again(settings, manifest, search.table, version)
    return removed


def _count_again(settings: Settings, manifest: LoadManifest, table: Table, version: FileVersion) -> None:
    parsed = [parsed_path(getattr(settings, place), version) for place in ("raw", "arrivals")]
    whole = next((path for path in parsed if path.exists()), None)
    rejects = parsed_path(settings.rejects, version)
    if whole:
        rows = int(pq.read_metadata(whole).num_rows)
        unreadable = int(pq.read_metadata(rejects).num_rows) if rejects.exists() else 0
        if rejects.exists() and not unreadable:
            rejects.unlink()
    else:
        rows, unreadable = count_records(table, landed_copy(settings, version), version.file)
    manifest.count_again(version.version_id, rows, unreadable)
