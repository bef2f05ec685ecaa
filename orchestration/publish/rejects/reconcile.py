"""Reconciliation of all records: from landing to raw, and from raw to the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.file_versions import FileVersion, State, effective_versions, latest_versions
from orchestration.arrival.manifest import known_versions
from orchestration.arrival.parsed import parsed_path
from orchestration.build.rejects import kept_accounts, read_kept
from orchestration.core.settings import Settings


@dataclass(frozen=True)
class Arrived:
    """Records of a table by what became of them.

    `read`, `superseded` (by a later delivery or reading of the same file) and `retired` are what the load
    manifest noted; the others are counted in the files. `unread_files` could not be read at all: nobody knows
    their records.
    """

    source: str
    table: str
    read: int
    superseded: int
    unreadable: int
    waiting: int
    raw: int
    retired: int
    unread_files: int

    @property
    def difference(self) -> int:
        """Unaccounted records; 0 unless a file is missing or damaged."""
        held = self.unreadable + self.waiting + self.raw
        return self.read - self.superseded - held - self.retired


@dataclass(frozen=True)
class Staged:
    """Rows of raw in the last finished build by what became of them in one entity.

    `other` are rows that staging joins into another row of their file, or that are not of this entity.
    """

    source: str
    table: str
    entity: str
    raw: int
    current: int
    superseded: int
    rejected: int

    @property
    def other(self) -> int:
        """Rows that are no row of the entity by themselves."""
        return self.raw - self.current - self.superseded - self.rejected


def arrived(settings: Settings, source_id: str | None = None) -> list[Arrived]:
    """Every table that anything came for, by source and table."""
    known = known_versions(settings, None if source_id is None else [source_id])
    return [line for source, versions in known.items() for line in _arrived(settings, source, versions)]


def staged(settings: Settings, source_id: str | None = None) -> list[Staged]:
    """Every entity of the last finished build, by source, table and entity; nothing before the first one."""
    try:
        accounts = read_kept(kept_accounts(settings)).to_pylist()
        files = pq.read_table(settings.arrival / "applied.parquet").to_pylist()
    except FileNotFoundError:
        return []
    raw: Counter[tuple[str, str]] = Counter()
    for file in files:
        raw[file["source_id"], file["table_name"]] += file["row_count"]
    lines = [
        Staged(
            source=line["source_id"],
            table=line["table_name"],
            entity=line["entity"],
            raw=raw[line["source_id"], line["table_name"]],
            **{name: line[name] for name in ("current", "superseded", "rejected")},
        )
        for line in accounts
        if source_id in (None, line["source_id"])
    ]
    return sorted(lines, key=lambda line: (line.source, line.table, line.entity))


def _arrived(settings: Settings, source: str, versions: list[FileVersion]) -> Iterator[Arrived]:
    effective = _by_reading(effective_versions(versions).values())
    kept = _by_reading(latest_versions(versions).values()) | effective
    for table in sorted({version.table_name for version in versions}):
        readings = _by_reading(version for version in versions if version.table_name == table)
        own = {key: version for key, version in kept.items() if version.table_name == table}
        held = {key: version for key, version in own.items() if version.state is not State.RETIRED}
        yield Arrived(
            source=source,
            table=table,
            read=_records(readings.values()),
            superseded=_records(version for key, version in readings.items() if key not in own),
            unreadable=sum(_rows(parsed_path(settings.rejects, version)) for version in held.values()),
            # A load that was accepted since the last build lies there still.
            waiting=sum(_rows(parsed_path(settings.arrivals, version)) for version in held.values()),
            raw=sum(_rows(parsed_path(settings.raw, own[key])) for key in own.keys() & effective.keys()),
            retired=_records(version for key, version in own.items() if key not in held),
            unread_files=sum(not held[key].is_readable for key in held.keys() - effective.keys()),
        )


def _by_reading(versions: Iterable[FileVersion]) -> dict[tuple[str, str], FileVersion]:
    return {(version.file, version.version): version for version in versions}


def _records(versions: Iterable[FileVersion]) -> int:
    return sum((version.row_count or 0) + version.unreadable_count for version in versions)


def _rows(path: Path) -> int:
    """Rows of a Parquet file by its footer; none where it is gone or damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return 0
