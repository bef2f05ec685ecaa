"""Look at arrival and freshness, and tell of what is late, empty or not fresh, or no longer is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from orchestration.alerts.findings import Finding, Kind
from orchestration.alerts.incidents import observe
from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.file_versions import FileVersion, latest_versions
from orchestration.arrival.pending import PendingLoads, Request, deadline, find_pending, is_owed
from orchestration.core.settings import Settings
from orchestration.monitoring.operation import observe_operation
from orchestration.publish.release import read_current
from orchestration.sources.calendar import complete_through, coverage, missing_load_dates
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source

SHOWN = 5
RUNBOOK = "docs/runbooks/late-dump.md"


def watch(settings: Settings, now: datetime) -> None:
    """Observe every source that has a place for its dumps, the current release, and the machine.

    Raises ConfigurationError when the sources file says something that cannot be.
    """
    arrival = read_arrival(settings).fed()
    schedule = configured_schedule(settings)
    pending = find_pending(settings, arrival, Request(), schedule.today(now))
    for source_id, source in arrival.sources.items():
        findings = lateness_findings(source, schedule, pending, arrival.of(source_id).versions, now)
        observe(settings, f"arrival/{source_id}", findings, now)
    current = read_current(settings)
    release = current.manifest if current else None
    observe(settings, "freshness", freshness_findings(arrival.sources, schedule, release, now), now)
    observe_operation(settings, now)


def lateness_findings(
    source: Source,
    schedule: Schedule,
    pending: PendingLoads,
    versions: Iterable[FileVersion],
    now: datetime,
) -> list[Finding]:
    """Findings for a source that cannot be listed, has overdue loads, or whose latest load is empty."""
    findings = []
    delivered = pending.delivered.get(source.source_id, set())
    unreachable = pending.unreachable.get(source.source_id)
    due = deadline(source, schedule)
    late = missing_load_dates(source, delivered, _last_due(schedule, due, now))
    if unreachable:
        findings.append(_finding(source, "unreachable", "source_late", "cannot be listed", unreachable))
    elif late:
        text = (
            f"Not delivered by {due:%H:%M} ({schedule.timezone}): {_days(late)}. Data that depend on it "
            f"are complete through {complete_through(source, delivered) or 'no day yet'}; other sources are "
            "not affected. The load is processed as soon as it arrives."
        )
        findings.append(_finding(source, "late", "source_late", f"is late: {_days(late)}", text))
    if empty := _latest_empty(versions):
        text = f"No file of the load of {empty} has any readable row."
        findings.append(_finding(source, "empty", "source_empty", f"delivered nothing on {empty}", text))
    return findings


def freshness_findings(
    sources: Mapping[str, Source], schedule: Schedule, release: Mapping[str, Any] | None, now: datetime
) -> list[Finding]:
    """Daily feeds for which the current release (its manifest) is behind its freshness deadline."""
    last_due = _last_due(schedule, schedule.fresh_by, now)
    findings = []
    for source_id, source in sources.items():
        loads = (release or {}).get("loads", [])
        held = {date.fromisoformat(load["load_date"]) for load in loads if load["source"] == source_id}
        owed = _latest_owed(source, held, last_due)
        through = complete_through(source, held)
        if owed is None or (through is not None and through >= coverage(source, owed)):
            continue
        has = f"contains it through {through}" if through else "does not contain it at all"
        text = (
            f"By {schedule.fresh_by:%H:%M} ({schedule.timezone}) the release should contain {source_id} "
            f"through {coverage(source, owed)}; it {has}. Release: "
            f"{release['release_id'] if release else 'none'}."
        )
        title = f"{source_id}: the marts are not fresh, complete through {through or 'no day'}"
        findings.append(
            Finding(source_id, "freshness_missed", "critical", source.owner, title, text, runbook=RUNBOOK)
        )
    return findings


def _last_due(schedule: Schedule, clock: time, now: datetime) -> date:
    """The last day on which `clock` has passed."""
    local = now.astimezone(schedule.zone)
    return local.date() if local.time() >= clock else local.date() - timedelta(days=1)


def _latest_owed(source: Source, held: Collection[date], last_due: date) -> date | None:
    """Latest load date up to `last_due` that the source must deliver, if any."""
    day = source.ends_on + timedelta(days=1) if source.ends_on and source.ends_on < last_due else last_due
    for _ in range(366):
        if is_owed(source, day, held):
            return day
        day -= timedelta(days=1)
    return None


def _latest_empty(versions: Iterable[FileVersion]) -> date | None:
    """Load date of the latest load, if none of its files has a readable row."""
    latest = latest_versions(versions).values()
    day = max((version.load_date for version in latest), default=None)
    rows = sum(version.row_count or 0 for version in latest if version.load_date == day)
    return day if rows == 0 else None


def _finding(source: Source, key: str, kind: Kind, what: str, text: str) -> Finding:
    title = f"{source.source_id} {what}"
    return Finding(key, kind, "warning", source.owner, title, text, runbook=RUNBOOK)


def _days(days: Collection[date]) -> str:
    """The days, or only the first and last when there are many."""
    told = [day.isoformat() for day in sorted(days)]
    return ", ".join(told) if len(told) <= SHOWN else f"{told[0]} to {told[-1]} ({len(told)} load dates)"
