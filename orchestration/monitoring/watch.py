"""Look at arrival and freshness, and tell of what is late, empty or not fresh, or no longer is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from orchestration.alerts.findings import RECOVERED, End, Finding, Incident, Subject
from orchestration.alerts.incidents import end_incidents, observe
from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.arrival.file_versions import FileVersion, latest_versions
from orchestration.arrival.pending import PendingLoads, Request, deadline, find_pending, is_owed
from orchestration.core.settings import Settings
from orchestration.monitoring.fates import is_gone
from orchestration.monitoring.findings import headline
from orchestration.monitoring.gates import end_undeclared
from orchestration.monitoring.operation import observe_operation
from orchestration.monitoring.readers import readers_have
from orchestration.publish.release import read_current
from orchestration.sources.calendar import complete_through, coverage, missing_load_dates
from orchestration.sources.schedule import Schedule
from orchestration.sources.source import Source

SHOWN = 5
RUNBOOK = "docs/runbooks/late-dump.md"
UNREACHABLE, LATE, BEGINS_LATE, EMPTY = "unreachable", "late", "begins_late", "empty"


def watch(settings: Settings, now: datetime) -> None:
    """Observe every source that has a place for its dumps, the current release, and the machine.

    Raises ConfigurationError when the sources file says something that cannot be.
    """
    declared = read_arrival(settings)
    arrival, schedule = declared.fed(), configured_schedule(settings)
    pending = find_pending(settings, arrival, Request(), schedule.today(now))
    readers = readers_have(settings)
    for source_id, source in arrival.sources.items():
        versions = arrival.of(source_id).versions
        findings = lateness_findings(source, schedule, pending, versions, now, readers=readers)
        fate = partial(_of_finding, partial(fate_of_arrival, source_id, pending, versions))
        observe(settings, f"arrival/{source_id}", findings, now, fate)
    current = read_current(settings)
    release = current.manifest if current else None
    findings = freshness_findings(arrival.sources, schedule, release, now)
    of_freshness = partial(fate_of_freshness, arrival.sources, schedule, release, now)
    observe(settings, "freshness", findings, now, partial(_of_finding, of_freshness))
    observe_operation(settings, now)
    end_undeclared(settings, declared.sources, now)
    end_incidents(settings, partial(_fed_no_more, arrival.sources), now)


def lateness_findings(
    source: Source,
    schedule: Schedule,
    pending: PendingLoads,
    versions: Iterable[FileVersion],
    now: datetime,
    *,
    readers: str = "",
) -> list[Finding]:
    """Findings for a source that cannot be listed, has overdue loads, or whose latest load is empty.

    Days before the first load that ever came are a finding of their own: more likely a `starts_on` that says
    too much than dumps that are late. `readers` says what they have meanwhile.
    """
    findings = []
    delivered = pending.delivered.get(source.source_id, set())
    unreachable = pending.unreachable.get(source.source_id)
    due = deadline(source, schedule)
    missing = missing_load_dates(source, delivered, _last_due(schedule, due, now))
    first = min(delivered, default=date.min)
    before, late = [day for day in missing if day < first], [day for day in missing if day >= first]
    if unreachable:
        findings.append(_unreachable(source, unreachable, readers))
    else:
        findings += [_begins_late(source, before, delivered, readers)] if before else []
        findings += (
            [_late(source, late, delivered, f"{due:%H:%M} {schedule.timezone}", readers)] if late else []
        )
    if empty := _latest_empty(versions):
        findings.append(_empty(source, empty, readers))
    return findings


def fate_of_arrival(
    source_id: str, pending: PendingLoads, versions: Iterable[FileVersion], finding: Finding
) -> End | None:
    """Of a finding about the arrival of a source, which is listed now or not."""
    days = set(finding.subject.load_dates)
    if finding.key == EMPTY:
        latest = latest_versions(versions).values()
        has_rows = any(version.row_count for version in latest if version.load_date in days)
        return RECOVERED if has_rows else End("unchecked", "a later load has rows; this one is still empty")
    if source_id in pending.unreachable:
        return None
    if finding.key == UNREACHABLE or days <= pending.delivered.get(source_id, set()):
        return RECOVERED
    return End("unchecked", "the calendar of the source does not expect these days any more")


def freshness_findings(
    sources: Mapping[str, Source], schedule: Schedule, release: Mapping[str, Any] | None, now: datetime
) -> list[Finding]:
    """Daily feeds for which the current release (its manifest) is behind its freshness deadline."""
    last_due = _last_due(schedule, schedule.fresh_by, now)
    findings = []
    for source_id, source in sources.items():
        held = _held(release, source_id)
        owed = _latest_owed(source, held, last_due)
        through = complete_through(source, held)
        if owed is None or (through is not None and through >= coverage(source, owed)):
            continue
        has = f"contains it through {through}" if through else "does not contain it at all"
        if held and not through:
            has = f"contains it from {coverage(source, min(held))} on; its first days are missing"
        text = (
            f"By {schedule.fresh_by:%H:%M} ({schedule.timezone}) the release should contain {source_id} "
            f"through {coverage(source, owed)}; it {has}. Release: "
            f"{release['release_id'] if release else 'none'}."
        )
        findings.append(
            Finding(
                source_id,
                "freshness_missed",
                "critical",
                source.owner,
                f"{source_id}: the marts are not fresh, complete through {through or 'no day'} instead of"
                f" {coverage(source, owed)}",
                text,
                runbook=f"{RUNBOOK}#the-marts-are-not-fresh",
                effect=f"Numbers of its brands {f'end on {through}' if through else 'are lacking'}; those of"
                " other sources go on.",
                cure="`aipl status` shows whether a load is missing or refused, the gate stopped the build,"
                " or nothing ran. Correct it, then run `aipl run`.",
                subject=Subject(source=source_id, load_dates=(owed,)),
            )
        )
    return findings


def fate_of_freshness(
    sources: Mapping[str, Source],
    schedule: Schedule,
    release: Mapping[str, Any] | None,
    now: datetime,
    finding: Finding,
) -> End | None:
    """Of a source that the release was behind with, and that is not found behind any more."""
    source = sources.get(finding.key)
    if source is None:
        return is_gone(finding.key)
    owed = _latest_owed(source, _held(release, finding.key), _last_due(schedule, schedule.fresh_by, now))
    return RECOVERED if owed else End("unchecked", "the calendar of the source expects nothing now")


def _of_finding(fate: Callable[[Finding], End | None], incident: Incident) -> End | None:
    return fate(incident.finding)


def _fed_no_more(fed: Mapping[str, Source], incident: Incident) -> End | None:
    """The end of what was wrong with dumps that nobody looks for any more."""
    place, _, source_id = incident.scope.partition("/")
    if place != "arrival" or source_id in fed:
        return None
    return End("unchecked", f"the source {source_id} declares no `dumps` any more")


def _held(release: Mapping[str, Any] | None, source_id: str) -> set[date]:
    """Load dates of a source that a release was made of."""
    loads = (release or {}).get("loads", [])
    return {date.fromisoformat(load["load_date"]) for load in loads if load["source"] == source_id}


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


def _unreachable(source: Source, reason: str, readers: str) -> Finding:
    return Finding(
        UNREACHABLE,
        "source_late",
        "warning",
        source.owner,
        f"{source.source_id} cannot be listed: {headline(reason)}",
        reason,
        runbook=f"{RUNBOOK}#late-or-cannot-be-listed",
        effect=f"Nobody knows what it has delivered; no load of it comes in. {readers}".strip(),
        cure="Restore access to the place of its dumps; `aipl run` then loads what waits there.",
        subject=Subject(source=source.source_id),
    )


def _late(
    source: Source, late: Sequence[date], delivered: Collection[date], due: str, readers: str
) -> Finding:
    through = complete_through(source, delivered) or "no day yet"
    return Finding(
        LATE,
        "source_late",
        "warning",
        source.owner,
        f"{source.source_id} is late: {_days(late)}",
        f"Not delivered by {due}: {_days(late)}.",
        runbook=f"{RUNBOOK}#late-or-cannot-be-listed",
        effect=f"Data that depend on it are complete through {through}; other sources are not affected."
        f" {readers}".strip(),
        cure="Ask whoever delivers it. It is loaded as soon as it comes. If nothing was due, write the days"
        f" to `closed: {{dates: [...]}}` of {source.source_id} in the sources file.",
        subject=Subject(source=source.source_id, load_dates=tuple(late)),
    )


def _begins_late(
    source: Source, before: Sequence[date], delivered: Collection[date], readers: str
) -> Finding:
    first = coverage(source, min(delivered))
    return Finding(
        BEGINS_LATE,
        "source_late",
        "warning",
        source.owner,
        f"{source.source_id} has no dump for {_days(before)}, the days before the first one delivered",
        f"`starts_on` is {source.starts_on}, so its first load should be of {before[0]}; the first one that"
        f" came is of {min(delivered)}.",
        runbook=f"{RUNBOOK}#the-first-days-are-missing",
        effect=f"The source counts as complete through {complete_through(source, delivered) or 'no day'}, so"
        f" the marts of its brands do not go on. {readers}".strip(),
        cure=f"If the source begins there, write `starts_on: {first}` to {source.source_id} in the sources"
        " file; else have the missing dumps delivered. Then run `aipl run`.",
        subject=Subject(source=source.source_id, load_dates=tuple(before)),
    )


def _empty(source: Source, day: date, readers: str) -> Finding:
    return Finding(
        EMPTY,
        "source_empty",
        "warning",
        source.owner,
        f"{source.source_id} delivered nothing on {day}",
        f"No file of the load of {day} has any readable row.",
        runbook=f"{RUNBOOK}#empty",
        effect=readers,
        cure="Have it delivered again under the same name. If the day had no rows, declare its tables"
        " `may_be_empty: true` in the sources file.",
        subject=Subject(source=source.source_id, load_dates=(day,)),
    )


def _days(days: Collection[date]) -> str:
    """The days, or only the first and last when there are many."""
    told = [day.isoformat() for day in sorted(days)]
    return ", ".join(told) if len(told) <= SHOWN else f"{told[0]} to {told[-1]} ({len(told)} load dates)"
