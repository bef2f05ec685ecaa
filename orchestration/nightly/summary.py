"""The summary of a run: loads, rows in, rejects, then the release."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from shlex import quote

from expectations.results import GateResult
from orchestration.arrival.configured import Arrival
from orchestration.arrival.file_versions import Load, State
from orchestration.build.state import read_build, read_gate
from orchestration.build.warehouse import open_warehouse
from orchestration.core.printable import counted
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.nightly.summary_tables import release_tables, table
from orchestration.publish.notes import restated_line
from orchestration.publish.rejects.listing import READING, Selection, find_rejects
from orchestration.publish.release import Release


def dashboard_of(settings: Settings) -> str:
    """The command that opens the dashboard on this home."""
    if settings.home == PROJECT_ROOT / "data":
        return "make dashboard"
    return f"AIPL_HOME={quote(str(settings.home))} aipl dashboard"


def loads_since(before: Arrival, now: Arrival, sources: Iterable[str]) -> list[Load]:
    """Loads with a file version that came, was decided or was refused since, by source and date."""
    loads = []
    for source_id in sorted({*sources, *now.deliveries}):
        was = {v.version_id: v.state for v in before.of(source_id).versions if v.state is not State.ARRIVED}
        dates = {
            v.load_date
            for v in now.of(source_id).versions
            if v.version_id not in was
            or (v.state is State.REFUSED and was[v.version_id] is not State.REFUSED)
        }
        loads += [load for load in now.of(source_id).loads if load.load_date in dates]
    return loads


def refusals(loads: Iterable[Load]) -> dict[str, int]:
    """Refused loads among these, in words; with exit code 2 if unreadable, 3 if their data failed."""
    return {
        f"load {load.load_date} of {load.source_id}: {load.reason or 'no reason recorded'}": (
            2 if load.is_unreadable else 3
        )
        for load in loads
        if load.state is State.REFUSED
    }


def loads_summary(settings: Settings, loads: Sequence[Load]) -> str:
    """Loads of this run, the rows rejected in staging, and what was changed in others."""
    if not loads:
        return "Loads: none new\n"
    dates = [(load.source_id, load.load_date) for load in loads]
    rejected, cleaned = staged_rejects(settings, dates), staged_changes(settings, dates)
    text = f"Rejected in staging: {counted(rejected.total(), 'row')}{_commonest(rejected)}\n"
    if cleaned:
        text += f"Cleaned in staging: {counted(cleaned.total(), 'value')}{_commonest(cleaned)}\n"
    if shared := shared_orders(settings, dates):
        text += f"Orders of several members: {len(shared)}{_commonest(shared)}: see `keys` of a source\n"
    lines = [
        _line(source_id, [load for load in loads if load.source_id == source_id])
        for source_id in dict.fromkeys(load.source_id for load in loads)
    ]
    columns = ["source", "loads", "from", "to", "rows", "unreadable", "refused", "held back"]
    return table(columns, lines) + text


def release_summary(settings: Settings, release: Release) -> str:
    """AIPL, FAST and gate results of a release, and its stale sources."""
    parts = [f"{heading}\n{text}" for heading, text in release_tables(release.folder)]
    results = GateResult.from_json(json.dumps(release.manifest["gates"]["marts"]))
    parts.append(
        f"Mart gate: {counted(len(results.passes), 'expectation')} passed,"
        f" {counted(len(results.warnings), 'warning')}"
    )
    parts += [f"  warning: {line}" for line in results.warning_lines()]
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


def _commonest(counts: Counter[str]) -> str:
    listed = ", ".join(f"{what} {count:,}" for what, count in counts.most_common(5))
    return f" ({listed})" if listed else ""


def staged_rejects(settings: Settings, loads: Collection[tuple[str, date]]) -> Counter[str]:
    """Rows that staging rejected of these loads, as `aipl rejects` counts them, by reason.

    A reason that names its column is told with it, such as `orders.created_at time in the future`.
    """
    counts: Counter[str] = Counter()
    found = find_rejects(settings, Selection(loads=loads)).by_reason()
    for (_, entity, column, found_in, reason), rows in found.items():
        if found_in != READING:
            counts[f"{entity}.{column} {reason}" if column else reason] += rows
    return counts


def staged_changes(settings: Settings, loads: Collection[tuple[str, date]]) -> Counter[str]:
    """Values that staging changed in rows of these loads, such as `orders.member_id placeholder`."""
    parts = [
        f"select '{entity.removeprefix('int_')}.' || unnest(string_split(cleaned, ', ')) as what"
        f" from intermediate.{entity}"
        " where cleaned is not null and list_contains($wanted, {'s': source_id, 'd': _load_date})"
        for entity in sorted(_entities(settings, loads))
    ]
    if not parts:
        return Counter()
    query = f"select what, count(*) from ({' union all '.join(parts)}) group by what"
    return _staged(settings, loads, query)


def shared_orders(settings: Settings, loads: Collection[tuple[str, date]]) -> Counter[str]:
    """Rows by order of these loads that names several members; they are named: for the terminal alone."""
    if "int_orders" not in _entities(settings, loads):
        return Counter()
    return _staged(
        settings,
        loads,
        "select order_id || ' of ' || source_id || ' by '"
        " || array_to_string(list(distinct member_id order by member_id)[:5], ' and '), count(*)"
        " from intermediate.int_orders where (source_id, order_id) in"
        " (select (source_id, order_id) from intermediate.int_orders"
        " where list_contains($wanted, {'s': source_id, 'd': _load_date}))"
        " group by source_id, order_id having min(member_id) <> max(member_id)",
    )


def _entities(settings: Settings, loads: Collection[tuple[str, date]]) -> Counter[str]:
    return _staged(
        settings,
        loads,
        "select table_name, 1 from information_schema.columns"
        " where table_schema = 'intermediate' and column_name = 'cleaned'",
    )


def _staged(settings: Settings, loads: Collection[tuple[str, date]], query: str) -> Counter[str]:
    build = read_build(settings)
    if build is None or build.state != "complete" or not loads:
        return Counter()
    with open_warehouse(settings) as connection:
        wanted = [{"s": source, "d": day} for source, day in loads]
        parameters = {"wanted": wanted} if "$wanted" in query else {}
        return Counter(dict(connection.execute(query, parameters).fetchall()))


def _line(source_id: str, loads: list[Load]) -> tuple[str | int | date | None, ...]:
    refused = sum(load.state is State.REFUSED for load in loads)
    return (source_id, *measures(loads), refused, sum(load.is_held_back for load in loads))


def measures(loads: Sequence[Load]) -> tuple[int | date | None, ...]:
    """Number of loads, first and last date, rows and unreadable records."""
    days = [load.load_date for load in loads]
    rows, unreadable = sum(load.row_count for load in loads), sum(load.unreadable_count for load in loads)
    return len(days), min(days, default=None), max(days, default=None), rows, unreadable
