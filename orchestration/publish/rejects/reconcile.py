"""Reconciliation of all records: from landing to raw, and from raw to the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import Deliveries, FileVersion, State
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

    `joined` are rows that staging joins into another row of their file, or that are not of this entity, less
    the further rows of those that hold several.
    """

    source: str
    table: str
    entity: str
    raw: int
    current: int
    superseded: int
    rejected: int

    @property
    def joined(self) -> int:
        """Rows that are no row of the entity by themselves."""
        return self.raw - self.current - self.superseded - self.rejected


def arrived(settings: Settings, source_id: str | None = None) -> list[Arrived]:
    """Every table that anything came for, by source and table."""
    return [
        _arrived(settings, source, table, deliveries)
        for source, deliveries in read_arrival(settings, {}).deliveries.items()
        if source_id in (None, source)
        for table in sorted({version.table_name for version in deliveries.versions})
    ]


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


def _arrived(settings: Settings, source: str, table: str, deliveries: Deliveries) -> Arrived:
    latest = [version for version in deliveries.latest.values() if version.table_name == table]
    effective = deliveries.effective_of([table])
    known = [version for version in deliveries.versions if version.table_name == table]
    readings = {(version.file, version.version): version for version in known}
    kept = {(version.file, version.version): version for version in [*latest, *effective]}
    in_effect = {(version.file, version.version) for version in effective}
    retired = [version for version in kept.values() if version.state is State.RETIRED]
    held = [version for version in kept.values() if version.state is not State.RETIRED]
    waiting = [version for version in held if (version.file, version.version) not in in_effect]
    return Arrived(
        source=source,
        table=table,
        read=_records(readings.values()),
        superseded=_records(version for key, version in readings.items() if key not in kept),
        unreadable=sum(_rows(parsed_path(settings.rejects, version)) for version in held),
        # A load that was accepted since the last build lies there still.
        waiting=sum(_rows(parsed_path(settings.arrivals, version)) for version in held),
        raw=sum(_rows(parsed_path(settings.raw, version)) for version in effective),
        retired=_records(retired),
        unread_files=sum(not version.is_readable for version in waiting),
    )


def _records(versions: Iterable[FileVersion]) -> int:
    return sum((version.row_count or 0) + version.unreadable_count for version in versions)


def _rows(path: Path) -> int:
    """Rows of a Parquet file by its footer; none where it is gone or damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return 0
