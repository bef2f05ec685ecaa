"""The summary of a run: loads, rows in, rejects, then the release."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from expectations.results import GateResult
from orchestration.arrival.file_versions import FileVersion, Load, State, latest_versions, loads_of
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.state import read_build, read_gate
from orchestration.build.warehouse import open_warehouse
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.nightly.summary_tables import release_tables, table
from orchestration.publish.notes import restated_line
from orchestration.publish.release import Release

LoadDates = Mapping[str, Sequence[date]]


@dataclass(frozen=True)
class Refusal:
    """A refused load: its message, and exit code 2 if a file was unreadable, 3 if its data failed."""

    text: str
    exit_code: int


def version_ids(settings: Settings, sources: Iterable[str]) -> set[int]:
    """IDs of the file versions of these sources that have been accepted or refused."""
    with LoadManifest(settings.manifest) as manifest:
        return {
            version.version_id
            for source_id in sources
            for version in manifest.versions(source_id)
            if version.state is not State.ARRIVED
        }


def loads_since(settings: Settings, sources: Iterable[str], before: set[int]) -> dict[str, list[date]]:
    """Load dates, by source, of file versions that are not in `before`."""
    loads = {}
    with LoadManifest(settings.manifest) as manifest:
        for source_id in sources:
            versions = manifest.versions(source_id)
            dates = {version.load_date for version in versions if version.version_id not in before}
            if dates:
                loads[source_id] = sorted(dates)
    return loads


def refusals(settings: Settings, loads: LoadDates) -> list[Refusal]:
    """Refused loads among these, by source and date."""
    found = []
    with LoadManifest(settings.manifest) as manifest:
        for source_id, dates in loads.items():
            refused: dict[date, list[FileVersion]] = {}
            for version in latest_versions(manifest.versions(source_id)).values():
                if version.state is State.REFUSED and version.load_date in dates:
                    refused.setdefault(version.load_date, []).append(version)
            for day, versions in sorted(refused.items()):
                reasons = "; ".join(sorted({version.reason or "no reason recorded" for version in versions}))
                code = 3 if any(version.is_readable for version in versions) else 2
                found.append(Refusal(f"load {day} of {source_id}: {reasons}", code))
    return found


def loads_summary(settings: Settings, loads: LoadDates) -> str:
    """Loads of this run, and the rows rejected in staging."""
    if not loads:
        return "Loads: none new\n"
    rejected = staged_rejects(settings, loads)
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in rejected.most_common(5))
    text = f"Rejected in staging: {counted(rejected.total(), 'row')}{f' ({reasons})' if reasons else ''}\n"
    return _loads_table(settings, loads) + text


def release_summary(settings: Settings, release: Release) -> str:
    """AIPL, FAST and gate results of a release, and its stale sources."""
    parts = [f"{heading}\n{text}" for heading, text in release_tables(release.folder)]
    results = GateResult.from_json(json.dumps(release.manifest["gates"]["marts"]))
    parts.append(
        f"Mart gate: {counted(len(results.passes), 'expectation')} passed,"
        f" {counted(len(results.warnings), 'warning')}"
    )
    parts += [f"Stale: {source}: {why}" for source, why in release.manifest["stale_sources"].items()]
    parts += restatement(release)
    parts.append(f"Release: {release.release_id} in {release.folder}")
    return "\n".join(parts)


def restatement(release: Release) -> list[str]:
    """A line that points to the notes, if the release restates published days."""
    counts = restated_line(release.manifest.get("restated") or {})
    return (
        [f"Restated (people and periods of published days): {counts}; see {release.notes}"] if counts else []
    )


def gate_summary(settings: Settings) -> str:
    """The last findings of the mart gate, with examples, and where its reports are."""
    gate = read_gate(settings)
    lines = GateResult.from_json(json.dumps(gate.results)).summary_lines() if gate else []
    return "\n".join([*lines, f"Reports are in {settings.reports / 'marts'}."])


def staged_rejects(settings: Settings, loads: LoadDates) -> Counter[str]:
    """Rows of these loads that staging rejected, by reason; empty without a finished build."""
    build = read_build(settings)
    wanted = [(source, day) for source, dates in loads.items() for day in dates]
    if build is None or build.state != "complete" or not wanted:
        return Counter()
    with open_warehouse(settings) as connection:
        rows = connection.execute(
            "select reason, count(distinct (source_id, _file, _row)) from intermediate.int_rejects"
            " where list_contains($wanted, {'s': source_id, 'd': _load_date}) group by reason",
            {"wanted": [{"s": source, "d": day} for source, day in wanted]},
        ).fetchall()
    return Counter(dict(rows))


def _loads_table(settings: Settings, loads: LoadDates) -> str:
    with LoadManifest(settings.manifest) as manifest:
        lines = [
            _line(
                source_id,
                [load for load in loads_of(manifest.versions(source_id)) if load.load_date in dates],
            )
            for source_id, dates in loads.items()
        ]
    columns = ["source", "loads", "from", "to", "rows", "unreadable", "refused", "held back"]
    return table(columns, lines)


def _line(source_id: str, loads: list[Load]) -> tuple[str | int | date | None, ...]:
    refused = sum(load.state is State.REFUSED for load in loads)
    return (source_id, *measures(loads), refused, sum(load.is_held_back for load in loads))


def measures(loads: Sequence[Load]) -> tuple[int | date | None, ...]:
    """Number of loads, first and last date, rows and unreadable records."""
    days = [load.load_date for load in loads]
    rows, unreadable = sum(load.row_count for load in loads), sum(load.unreadable_count for load in loads)
    return len(days), min(days, default=None), max(days, default=None), rows, unreadable
