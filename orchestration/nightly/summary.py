"""The summary of a run: loads, rows in, rejects, then the release: stock of each brand, FAST of a week."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from expectations.results import GateResult
from orchestration.arrival.file_versions import Load, State, latest_versions, loads_of
from orchestration.arrival.manifest import known_versions
from orchestration.build.state import read_build, read_gate
from orchestration.build.warehouse import open_warehouse
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.publish.marts import open_marts
from orchestration.publish.notes import restated_line
from orchestration.publish.query import Result, to_text
from orchestration.publish.release import Release

PRESET = "consumer_asset"
STOCK = """
    select brand_id, as_of_date, stage, stage_rank, persons
    from fct_aipl_daily
    where preset = $preset
    qualify as_of_date = max(as_of_date) over (partition by brand_id)
    order by brand_id, stage_rank
"""
FAST = """
    select
        brand_id as brand,
        period_start as week_from,
        fertility_union as fertility,
        round(advancing_rate, 4) as advancing,
        superiority_members as superiority,
        round(thriving_rate, 4) as thriving
    from fct_fast
    where preset = $preset and period_type = 'week'
    qualify period_start = max(period_start) over (partition by brand_id)
    order by brand_id
"""
LoadDates = Mapping[str, Sequence[date]]


@dataclass(frozen=True)
class Refusal:
    """A refused load: its message, and exit code 2 if a file was unreadable, 3 if its data failed."""

    text: str
    exit_code: int


def version_ids(settings: Settings, sources: Iterable[str]) -> set[int]:
    """IDs of the file versions of these sources that have been accepted or refused."""
    known = known_versions(settings, sources).values()
    return {v.version_id for versions in known for v in versions if v.state is not State.ARRIVED}


def loads_since(settings: Settings, sources: Iterable[str], before: set[int]) -> dict[str, list[date]]:
    """Load dates, by source, of file versions that are not in `before`."""
    loads = {
        source_id: sorted({version.load_date for version in versions if version.version_id not in before})
        for source_id, versions in known_versions(settings, sources).items()
    }
    return {source_id: dates for source_id, dates in loads.items() if dates}


def refusals(settings: Settings, loads: LoadDates) -> list[Refusal]:
    """Refused loads among these, by source and date."""
    found = []
    for source_id, versions in known_versions(settings, loads).items():
        latest = [v for v in latest_versions(versions).values() if v.state is State.REFUSED]
        for day in loads[source_id]:
            if refused := [version for version in latest if version.load_date == day]:
                reasons = "; ".join(sorted({version.reason or "no reason recorded" for version in refused}))
                code = 3 if any(version.is_readable for version in refused) else 2
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
    columns = ["source", "loads", "from", "to", "rows", "unreadable", "refused", "held back"]
    rows = []
    for source_id, versions in known_versions(settings, loads).items():
        own = [load for load in loads_of(versions) if load.load_date in loads[source_id]]
        refused = sum(load.state is State.REFUSED for load in own)
        rows.append((source_id, *measures(own), refused, sum(load.is_held_back for load in own)))
    return table(columns, rows)


def measures(loads: Sequence[Load]) -> tuple[int | date | None, ...]:
    """Number of loads, first and last date, rows and unreadable records."""
    days = [load.load_date for load in loads]
    rows, unreadable = sum(load.row_count for load in loads), sum(load.unreadable_count for load in loads)
    return len(days), min(days, default=None), max(days, default=None), rows, unreadable


def release_tables(release: Path) -> list[tuple[str, str]]:
    """Headings and aligned text tables about the marts in a release folder."""
    with open_marts(release) as connection:
        stock = connection.execute(STOCK, {"preset": PRESET}).fetchall()
        fast = connection.execute(FAST, {"preset": PRESET})
        columns = [column[0] for column in fast.description or []]
        weeks = fast.fetchall()
    return [
        ("AIPL stock, persons at the end of each brand's last complete day", table(*pivot_stock(stock))),
        ("FAST of the last complete week", table(columns, weeks) if weeks else "no complete week yet\n"),
    ]


def pivot_stock(rows: list[tuple[Any, ...]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Turn (brand, day, stage, rank, persons) into a row a brand with a column a stage, lowest rank first."""
    stages = [stage for _, stage in sorted({(rank, stage) for _, _, stage, rank, _ in rows})]
    persons = {(brand, day, stage): count for brand, day, stage, _, count in rows}
    brands = sorted({(brand, day) for brand, day, *_ in rows})
    lines = [(*key, *(persons.get((*key, stage), 0) for stage in stages)) for key in brands]
    return ["brand", "day", *stages], lines


def table(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """An aligned plain table."""
    return to_text(Result(columns, rows, None)).decode()
