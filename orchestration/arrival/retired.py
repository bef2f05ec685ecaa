"""Retirement: permanently remove data of days that a source no longer keeps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestration.arrival.configured import Arrival
from orchestration.arrival.file_versions import FileVersion, State
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.manifest import LoadManifest
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.sources.calendar import is_retired


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
        for path in _landed(settings, [*retired, *due]) - _landed(settings, kept):
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


def _landed(settings: Settings, versions: Iterable[FileVersion]) -> set[Path]:
    return {landed_copy(settings, version) for version in versions}


def _counted(versions: list[FileVersion]) -> str:
    records = sum((version.row_count or 0) + version.unreadable_count for version in versions)
    return f"{counted(len(versions), 'file version')} with {counted(records, 'record')}"
