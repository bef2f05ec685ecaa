"""What the home itself remembers of the quality of its data, through the functions that keep it.

Each part may be missing: a release can be copied to a place that has nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter

import pandas as pd

from expectations.page import stored_runs
from expectations.past import Past, past_of
from expectations.results import GateResult
from orchestration.alerts.handling import acknowledge, open_incidents, snooze
from orchestration.alerts.links import places
from orchestration.core.printable import printable
from orchestration.core.settings import Settings
from orchestration.publish.quality import known_loads
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import changes
from orchestration.publish.releases import Release

LOADS = ["source", "load_date", "files", "rows", "unreadable", "state", "reason"]
REJECTS = ["source", "entity", "column", "found_in", "reason", "rows", "first_load", "last_load"]
CLEANED = ["source_id", "table_name", "entity", "column", "kind", "rows", "words"]
TABLES = ["table", "owner", "checks", "failed", "warned", "passed", "outcome"]
INCIDENT = [
    "incident_id",
    "opened_at",
    "severity",
    "title",
    "effect",
    "cure",
    "owner",
    "runbook",
    "acked_by",
    "snoozed_by",
    "snoozed_until",
]
ACKNOWLEDGE = "ack"
FINDINGS = ["table", "rule", "severity", "verdict", "expected", "observed", "owner"]


def tables_of(gate: GateResult) -> pd.DataFrame:
    """Row a table, the gravest first: `checks`, of which `failed` (or in error), `warned`, `passed`."""
    rows = []
    for table in dict.fromkeys(result.table for result in gate.results):
        own = [result for result in gate.results if result.table == table]
        verdicts = Counter(result.verdict for result in own)
        failed, warned = verdicts["failed"] + verdicts["error"], verdicts["warning"]
        outcome = "failed" if failed else "warning" if warned else "passed"
        owners = ", ".join(sorted({result.owner for result in own}))
        rows.append((table, owners, len(own), failed, warned, verdicts["passed"], outcome))
    frame = pd.DataFrame(rows, columns=TABLES)
    return frame.sort_values(["failed", "warned", "table"], ascending=[False, False, True], ignore_index=True)


def findings_of(gate: GateResult) -> pd.DataFrame:
    """Row a check that was not met or not evaluated, the gravest first; without its examples."""
    told = attrgetter("table", "name", "severity", "verdict", "description")
    found = [*gate.errors, *gate.failures, *gate.warnings]
    rows = [(*told(one), one.error or one.observed or "", one.owner) for one in found]
    return pd.DataFrame(rows, columns=FINDINGS)


def pasts(settings: Settings) -> dict[str, Past]:
    """By `gate:subject` what its kept results say, the mart gate first; empty without reports."""
    found = {}
    for gate in ("marts", "arrival"):
        runs = stored_runs(settings.reports / gate)
        for subject in sorted({run.result.subject for run in runs}):
            own = [run for run in runs if run.result.subject == subject]
            found[f"{gate}:{subject}"] = past_of(own[0].result, own[1:])
    return found


def tables_over_time(past: Past) -> pd.DataFrame:
    """Row a table and run in which it was judged: `table`, `at` (UTC), `verdict`."""
    rows = [(table, mark.at, mark.verdict) for table, marks in sorted(past.tables.items()) for mark in marks]
    return pd.DataFrame(rows, columns=["table", "at", "verdict"])


def loads(settings: Settings, release: Release | None) -> tuple[pd.DataFrame, bool]:
    """Row a source and load date, and whether the load manifest told it.

    Without the manifest the loads are those that the release was made of. `state` is `accepted`, `arrived`,
    `refused` or `held_back`.
    """
    known = known_loads(settings)
    if known is None:
        told = release.manifest.get("loads", []) if release else []
        frame = pd.DataFrame(told, columns=LOADS).assign(state="accepted")
    else:
        counts = attrgetter("source_id", "load_date", "files", "row_count", "unreadable_count")
        rows = [
            (*counts(load), "held_back" if load.is_held_back else str(load.state), load.reason)
            for load in known
        ]
        frame = pd.DataFrame(rows, columns=LOADS)
    frame["load_date"] = pd.to_datetime(frame["load_date"])
    return frame.sort_values(["source", "load_date"], ignore_index=True), known is not None


def rejects(settings: Settings) -> pd.DataFrame | None:
    """Row a source, entity, column (empty: none is named) and reason, the most frequent first; None without a
    load manifest.
    """
    if not settings.manifest.exists():
        return None
    found = find_rejects(settings, Selection()).summary()
    return pd.DataFrame(found, columns=[*REJECTS, "example_file", "example_row"])


def cleaned(settings: Settings) -> pd.DataFrame:
    """Row a source, table, entity, column and kind of change that staging made, with the number of rows.

    `words` are the most frequent ones of those that are unknown.
    """
    found = pd.DataFrame(changes(settings), columns=CLEANED).fillna({"words": ""})
    return found.sort_values(["rows", *CLEANED[:5]], ascending=[False, *[True] * 5], ignore_index=True)


def incidents(settings: Settings) -> pd.DataFrame | None:
    """Row an open incident, oldest first, times in UTC; None in a home that never had an alert.

    `runbook` is an address where the settings say where the documentation is served.
    """
    found = open_incidents(settings)
    if found is None:
        return None
    rows = [
        (
            one.incident_id,
            one.opened_at,
            one.finding.severity,
            one.finding.title,
            one.finding.effect,
            one.finding.cure,
            one.finding.owner,
            places(settings, one.finding).get("runbook"),
            one.acked_by,
            one.snoozed_by,
            one.snoozed_until,
        )
        for one in found
    ]
    return pd.DataFrame(rows, columns=INCIDENT)


def handle(settings: Settings, incident_ids: Sequence[int], option: str, by: str) -> None:
    """Acknowledge incidents (`ack`), or snooze them for a while, such as `4h`, in somebody's name.

    Raises InputError when one of them is not open any more.
    """
    name, now = printable(by), datetime.now(UTC)
    if option == ACKNOWLEDGE:
        acknowledge(settings, incident_ids, name, now)
    else:
        snooze(settings, incident_ids, option, name, now)
