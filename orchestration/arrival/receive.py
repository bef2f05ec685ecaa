"""Load one source: pull its dumps, run the arrival gate, accept or refuse each load."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from expectations.baseline import History
from expectations.page import write_report
from expectations.results import GateResult
from expectations.runner import run_arrival
from expectations.suites.arrival import ArrivalFile, ArrivalTable, EventTime
from orchestration.arrival.file_versions import Deliveries, State
from orchestration.arrival.loads import decide_loads
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import find_parsed
from orchestration.arrival.pull import PullReport, pull
from orchestration.core.errors import GateError
from orchestration.core.settings import Settings
from orchestration.sources.calendar import is_retired
from orchestration.sources.source import Source

_COVERS = {"previous_day": 1, "same_day": 0}


@dataclass(frozen=True)
class Received:
    """The outcome for the loads of one source; `gate` is None if there was nothing readable to judge."""

    report: PullReport
    gate: GateResult | None
    accepted: list[date]
    refused: list[date]


def receive(
    settings: Settings,
    source: Source,
    load_dates: Collection[date],
    dumps: str | None,
    today: date,
    *,
    only: Collection[str] | None = None,
) -> Received:
    """Pull these load dates, and accept or refuse each load that arrived or was left undecided earlier.

    `only` names the files to pull (`None`: all that are new).

    Raises GateError when the gate could not judge: the loads then wait for the next run.
    """
    report = pull(settings, source, load_dates, dumps, today, only=only)
    with LoadManifest(settings.manifest) as manifest:
        deliveries = manifest.deliveries(source.source_id)
        histories = {name: manifest.measures(source.source_id, name) for name in source.tables}
    waiting = deliveries.awaiting(source.gate_contract)
    if only is not None:
        waiting &= {version.load_date for version in deliveries.versions if version.file in only}
    undecided = sorted({*report.load_dates, *(waiting & set(load_dates))})
    tables = arrival_tables(settings, source, deliveries, histories, undecided)
    gate, failed = None, {}
    if tables:
        gate = replace(run_arrival(tables), load_dates=tuple(undecided))
        failed = _reasons(gate, write_report(gate, settings.reports / gate.gate))
    decided = decide_loads(
        settings,
        source.source_id,
        {day: failed.get(day) for day in undecided},
        judged_by=source.gate_contract,
        measured={
            day: {table.table: table.measures[day] for table in tables if day in table.measures}
            for day in undecided
        },
    )
    accepted = [day for day, is_accepted in decided.items() if is_accepted]
    refused = [day for day, is_accepted in decided.items() if not is_accepted]
    return Received(report, gate, accepted, refused)


def arrival_tables(
    settings: Settings,
    source: Source,
    deliveries: Deliveries,
    histories: Mapping[str, History],
    load_dates: Collection[date],
) -> list[ArrivalTable]:
    """Input of the gate: the loads as if accepted, without tables that have no readable file."""
    files: dict[str, list[ArrivalFile]] = {}
    latest = [v for v in deliveries.latest.values() if v.state is not State.RETIRED]
    for version in latest:
        if version.row_count is not None and version.load_date in load_dates:
            files.setdefault(version.table_name, []).append(
                ArrivalFile(
                    load_date=version.load_date,
                    path=find_parsed(settings, version),
                    row_count=version.row_count,
                    unreadable_count=version.unreadable_count,
                )
            )
    for name, table in source.tables.items():
        # A day without the dump of a table that is never empty is half a day.
        if source.feed == "daily" and not table.may_be_empty:
            delivered = {version.load_date for version in latest if version.table_name == name}
            missing = [
                ArrivalFile(day, None, 0, 0)
                for day in load_dates
                if day not in delivered and not is_retired(source, name, day)
            ]
            files.setdefault(name, []).extend(missing)
    return [
        arrival_table(source, name, files[name], histories[name]) for name in source.tables if files.get(name)
    ]


def arrival_table(source: Source, name: str, files: Sequence[ArrivalFile], history: History) -> ArrivalTable:
    """Files of a table and its history, with everything that its declaration requires."""
    table = source.tables[name]
    time = table.event_time
    return ArrivalTable(
        source_id=source.source_id,
        table=name,
        not_null=table.present,
        vocabulary=table.vocabulary,
        max_unreadable_share=source.max_unreadable_share,
        files=files,
        may_be_empty=table.may_be_empty,
        columns=table.columns.declared,
        event_time=EventTime(time.column, time.format) if time else None,
        key=table.key,
        amounts=table.amounts,
        is_daily=source.feed == "daily",
        covers_days_before=_COVERS[source.covers] if source.feed == "daily" else None,
        owner=source.owner,
        history=history,
        unusual_dates=source.unusual_dates,
    )


def _reasons(gate: GateResult, page: Path) -> dict[date, str]:
    """Reasons by refused load date. Raises GateError when the gate itself failed."""
    if gate.outcome == "error":
        raise GateError("\n".join([*gate.summary_lines(), f"Report: {page}"]))
    reasons: dict[date, list[str]] = {}
    for failure in gate.failures:
        for day in failure.load_dates:
            reasons.setdefault(day, []).append(f"{failure.table}: {failure.description}: {failure.observed}")
    return {day: "; ".join(texts) for day, texts in reasons.items()}
