"""Loads: accept or refuse them, and make raw match."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import Arrival
from orchestration.arrival.file_versions import Deliveries, FileVersion, State, latest_versions
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import HashedOtherwise, is_whole, parse, parsed_path, prune
from orchestration.arrival.readers import UnreadableDump, raw_schema
from orchestration.core.atomic import flush_all, replacing
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Format


def decide_loads(
    settings: Settings,
    source_id: str,
    verdicts: Mapping[date, str | None],
    *,
    judged_by: str | None = None,
    measured: Mapping[date, Mapping[str, Mapping[str, float | None]]] | None = None,
) -> dict[date, bool]:
    """Accept or refuse whole loads, all in one step; returns those now accepted.

    A verdict is the reason of a refusal, `None` to accept. A load with a file that cannot be read is never
    accepted: half a load would look like a quiet day. A refusal concerns the versions that are not accepted
    yet. `judged_by` names the contract that decided. `measured` are measures by load date and table, kept as
    the past of later loads where the load is accepted.
    """
    accepted = {}
    with (
        writer_lock(settings.home),
        LoadManifest(settings.manifest) as manifest,
        manifest.transaction(),
    ):
        latest: dict[date, list[FileVersion]] = {day: [] for day in verdicts}
        for version in manifest.deliveries(source_id).latest.values():
            if version.load_date in latest and version.state is not State.RETIRED:
                latest[version.load_date].append(version)
        for day, verdict in verdicts.items():
            unreadable = sorted(v.reason for v in latest[day] if not v.is_readable and v.reason)
            reason = verdict or "; ".join(unreadable) or None
            accepted[day] = reason is None
            manifest.decide(
                [v.version_id for v in latest[day] if v.is_readable and v.state is not State.ACCEPTED],
                State.REFUSED if reason else State.ACCEPTED,
                reason,
                judged_by,
            )
            if measured and accepted[day]:
                manifest.keep_measures(source_id, day, measured.get(day, {}))
    return accepted


def promote(settings: Settings, arrival: Arrival) -> None:
    """Make raw hold exactly the effective versions of each source, and one zero-row file per table.

    Each step is a rename or a removal that the next call repeats where a killed process left it out; what raw
    should hold and nobody has whole is read again from landing.

    Raises:
        UnreadableDump: landing no longer has a dump that must be read again.
    """
    for source_id, source in arrival.sources.items():
        _promote(settings, source, arrival.of(source_id))


def _promote(settings: Settings, source: Source, deliveries: Deliveries) -> None:
    effective = deliveries.effective_of(source.tables)
    for version in effective:
        if not is_whole(parsed_path(settings.raw, version), version):
            if not is_whole(parsed_path(settings.arrivals, version), version):
                flush_all(parse(settings, version).files)
            _move_to_raw(settings, version)
    raw = [parsed_path(settings.raw, version) for version in effective]
    schemas = [_write_schema(settings, source, table_name, effective) for table_name in source.tables]
    latest = {v for v in deliveries.latest.values() if v.state is not State.RETIRED}
    # In effect or held back.
    accepted = latest_versions(v for v in deliveries.versions if v.state is State.ACCEPTED).values()
    known = {*latest, *accepted, *effective}
    for version in known - set(effective):
        # Held back after it was in raw.
        if is_whole(parsed_path(settings.raw, version), version):
            place = parsed_path(settings.arrivals, version)
            place.parent.mkdir(parents=True, exist_ok=True)
            parsed_path(settings.raw, version).replace(place)
    prune(settings.raw, source.source_id, [*raw, *schemas])
    prune(
        settings.arrivals,
        source.source_id,
        [parsed_path(settings.arrivals, version) for version in known - set(effective)],
    )
    for folder in (settings.rejects, settings.trials):
        prune(folder, source.source_id, [parsed_path(folder, version) for version in known])


def complete_columns(settings: Settings, arrival: Arrival) -> None:
    """Add optional columns that were declared later to raw files, as NULL.

    These are the files that could not be read again since. Theirs is the text of a column that a dump lacks.

    Raises:
        UnreadableDump: a file lacks a column that its table requires, or that must not be empty.
    """
    for source_id, source in arrival.sources.items():
        for version in arrival.of(source_id).effective_of(source.tables):
            declared = source.tables[version.table_name]
            if version.declaration == declared.declaration:
                continue
            path = parsed_path(settings.raw, version)
            had = {name.casefold() for name in pq.read_schema(path).names}
            lacking = [name for name in declared.columns.declared if name.casefold() not in had]
            empty = [column for group in declared.present if set(group) <= set(lacking) for column in group]
            if needed := sorted({*declared.columns.required, *empty}.intersection(lacking)):
                raise UnreadableDump(
                    version.file,
                    f"raw has it from before {', '.join(needed)} was declared",
                    "`aipl run` reads it again from landing. If landing no longer has it, deliver it again;"
                    " if it is refused because the column is missing, declare that under `optional`, without"
                    " `not_null`.",
                )
            if lacking:
                _add_columns(path, lacking)


def _add_columns(path: Path, names: list[str]) -> None:
    """Add NULL columns to a raw file, one row group at a time."""
    with pq.ParquetFile(path) as file, replacing(path) as part:
        schema = file.schema_arrow
        for name in names:
            schema = schema.append(pa.field(name, pa.string()))
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for number in range(file.num_row_groups):
                group = file.read_row_group(number)
                nulls = [pa.nulls(group.num_rows, pa.string())] * len(names)
                writer.write_table(pa.Table.from_arrays([*group.columns, *nulls], schema=schema))


def read_again(settings: Settings, arrival: Arrival) -> list[str]:
    """Rebuild raw from landing, file by file; returns messages about what landing no longer has.

    A file whose landed copy is gone or damaged is left unchanged: it may be the only copy. So does one that
    was hashed with a former person key, which is told only where no run looks at its source by itself.
    """
    lost = []
    for source_id, source in arrival.sources.items():
        for version in arrival.of(source_id).effective_of(source.tables):
            try:
                flush_all(parse(settings, version).files)
            except HashedOtherwise as error:
                if not source.dumps:
                    lost.append(str(error))
            except UnreadableDump as error:
                lost.append(str(error))
            else:
                _move_to_raw(settings, version)
    return lost


def _move_to_raw(settings: Settings, version: FileVersion) -> None:
    place = parsed_path(settings.raw, version)
    place.parent.mkdir(parents=True, exist_ok=True)
    parsed_path(settings.arrivals, version).replace(place)


def _write_schema(settings: Settings, source: Source, table_name: str, effective: list[FileVersion]) -> Path:
    """Write the zero-row file of a table: globs always find it, and it always has the declared columns.

    The types of Parquet dumps are those of the first file in effect; before that all columns are text.
    """
    table = source.tables[table_name]
    first = next((version for version in effective if version.table_name == table_name), None)
    delivered = pa.schema([])
    if table.format is Format.PARQUET and first:
        delivered = pq.read_schema(parsed_path(settings.raw, first))
    declared = [name for name in delivered.names if name in table.columns.declared]
    schema = raw_schema(table, pa.schema([delivered.field(name) for name in declared]))
    folder = settings.raw / source.source_id / table_name / f"load_date={date.min.isoformat()}"
    path = folder / "schema.parquet"
    if not path.exists() or not pq.read_schema(path).equals(schema):
        with replacing(path) as part:
            pq.write_table(schema.empty_table(), part)
    return path
