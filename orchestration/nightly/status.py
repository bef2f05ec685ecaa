"""`aipl status` and `aipl sources`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from expectations.results import GateResult
from orchestration.alerts.listing import status_lines
from orchestration.alerts.moments import told_duration
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import Load, State
from orchestration.build.state import read_build
from orchestration.core.errors import ConfigurationError, EnvironmentStop
from orchestration.core.printable import counted
from orchestration.core.privacy.erased import read_erased
from orchestration.core.redact import redact
from orchestration.core.settings import Settings
from orchestration.core.under_way import under_way
from orchestration.monitoring.work import find_work
from orchestration.nightly.notes import notes
from orchestration.nightly.summary import measures
from orchestration.nightly.summary_tables import table
from orchestration.publish.release import Release, read_current
from orchestration.publish.releases import why_none_is_current
from orchestration.publish.rollback import rollback_lines
from orchestration.sources.source import Source

SHOWN_WORDS = 10


def status_text(settings: Settings, now: datetime | None = None) -> str:
    """What is under way and what is left to do, the release, last gates and build, open loads, alerts."""
    current, now = read_current(settings), now or datetime.now(UTC)
    lines = _under_way_lines(settings, now)
    lines += (
        _release_lines(current, now) if current else [f"Release: none. {why_none_is_current(settings)}\n"]
    )
    lines += [f"{line}\n" for line in rollback_lines(settings)]
    lines += [_gate_line(settings, gate) for gate in ("arrival", "marts")]
    lines.append(f"Last build: {_build_word(settings)}\n")
    lines += _work_lines(settings, now)
    if erasure := read_erased(settings).unfinished:
        lines.append(
            f"Erasure: unfinished since {erasure.begun_at}; run `aipl erase` without a key to resume it\n"
        )
    notes = _note_lines(settings, current)
    return "".join([*lines, *notes]) + _attention(settings, now) + status_lines(settings)


def sources_text(settings: Settings) -> str:
    """One row per configured source: what it has delivered, and where its dumps are."""
    columns = [
        "source",
        "feed",
        "loads",
        "from",
        "to",
        "rows",
        "unreadable",
        "erased",
        "retired",
        "refused",
        "dumps",
    ]
    arrival = read_arrival(settings)
    rows = [_source_row(source, arrival.of(name).loads) for name, source in arrival.sources.items()]
    return table(columns, rows)


def _release_lines(current: Release, now: datetime) -> list[str]:
    manifest = current.manifest
    age = now - datetime.fromisoformat(manifest["created_at"])
    built = f", built on {manifest['engine']}" if manifest.get("engine", "duckdb") != "duckdb" else ""
    lines = [f"Release: {current.release_id}, {told_duration(age)} old{built}\n"]
    lines += [f"  {brand}: complete through {day or '-'}\n" for brand, day in manifest["horizon"].items()]
    lines += [f"  stale: {source}: {reason}\n" for source, reason in manifest["stale_sources"].items()]
    return lines


def _under_way_lines(settings: Settings, now: datetime) -> list[str]:
    running = under_way(settings.home)
    if running is None:
        return []
    run = f", Dagster run {running.run}" if running.run else ""
    lines = [f"Under way: process {running.pid}{run}, for {told_duration(now - running.since)}\n"]
    if running.step_since:
        lines.append(f"  at {running.step}, for {told_duration(now - running.step_since)}\n")
    return lines


def _build_word(settings: Settings) -> str:
    build = read_build(settings)
    if build is None:
        return "damaged; the next run builds in full" if settings.build_state.exists() else "none yet"
    if build.state == "complete":
        return "finished"
    return "under way" if under_way(settings.home) else "did not finish; the next run builds in full"


def _work_lines(settings: Settings, now: datetime) -> list[str]:
    """What there is to do, as schedule and sensor see it; nothing while a run is doing it."""
    if under_way(settings.home):
        return []
    try:
        work = find_work(settings, read_arrival(settings), now)
    except (ConfigurationError, EnvironmentStop):
        # The notes tell it.
        return []
    lines = [f"  {source}: {_days(days)}, new or to be judged" for source, days in work.load_dates.items()]
    lines += [f"  {work.waits}"] if work.waits else []
    lines += [f"  {source}: {_days(days)}, not published" for source, days in work.unpublished.loads.items()]
    lines += [f"  a build, because {work.unpublished.reason}"] if work.unpublished.reason else []
    lines += [f"  {told}" for told in work.pending.unreachable.values()]
    return [f"{line}\n" for line in ["To do:", *lines]] if lines else []


def _days(days: Sequence[date]) -> str:
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{counted(len(days), 'load')}, {span}"


def _note_lines(settings: Settings, current: Release | None) -> list[str]:
    try:
        told = notes(settings, read_arrival(settings), current)
    except (ConfigurationError, EnvironmentStop) as error:
        # The state is shown all the same.
        told = [str(error)]
    return [f"Note: {note}\n" for note in told]


def _gate_line(settings: Settings, gate: str) -> str:
    stored = sorted((settings.reports / gate).glob("*.json"))
    if not stored:
        return f"Last {gate} gate: none yet\n"
    try:
        result = GateResult.from_json(stored[-1].read_bytes())
    except (KeyError, TypeError, ValueError):
        return f"Last {gate} gate: written by another version of aipl; {stored[-1]}\n"
    when = result.finished_at.isoformat(timespec="seconds")
    page = stored[-1].with_suffix(".html")
    return f"Last {gate} gate: {result.outcome} on {result.subject} at {when}; {page}\n"


def _attention(settings: Settings, now: datetime) -> str:
    """Loads that are waiting for the gate, were refused, or are held back by a refused one."""
    loads = read_arrival(settings, {}).loads
    attention = [
        load for load in loads if load.state not in (State.ACCEPTED, State.RETIRED) or load.is_held_back
    ]
    on_a_word = [load for load in loads if load.state is State.ACCEPTED and load.reason]
    lines = [_load_line(load, _word(load), now) for load in attention]
    words = [_load_line(load, "accepted", now) for load in on_a_word[-SHOWN_WORDS:]]
    return "".join(
        [
            *(["Loads that need attention:\n", *lines] if lines else ["Loads: all accepted\n"]),
            *(["Loads accepted on somebody's word:\n", *words] if words else []),
        ]
    )


def _load_line(load: Load, word: str, now: datetime) -> str:
    days = (now - datetime.fromisoformat(load.decided_at)).days if load.decided_at else None
    age = "" if days is None else " today" if days == 0 else f" {counted(days, 'day')} ago"
    told = ": ".join(part for part in (f"{word}{age}", load.reason) if part)
    return f"  {load.source_id} {load.load_date}: {told}\n"


def _word(load: Load) -> str:
    words = {State.ARRIVED: "waiting for the gate", State.REFUSED: "refused", State.ACCEPTED: "held back"}
    return words[load.state]


def _source_row(source: Source, loads: list[Load]) -> tuple[object, ...]:
    return (
        source.source_id,
        source.feed,
        *measures([load for load in loads if load.state is not State.RETIRED]),
        sum(load.erased_count for load in loads),
        sum(load.retired_count for load in loads),
        sum(load.state is State.REFUSED for load in loads),
        source.dumps and redact(source.dumps),
    )
