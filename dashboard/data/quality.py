"""What the home itself remembers of the quality of its data, through the functions that keep it.

Each part may be missing: a release can be copied to a place that has nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from expectations.page import stored_runs
from expectations.past import Past, past_of
from expectations.results import GateResult
from orchestration.core.settings import Settings
from orchestration.publish.quality import INCIDENT, known_loads, open_incidents
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.releases import Release

LOADS = ["source", "load_date", "files", "rows", "unreadable", "state", "reason"]
REJECTS = [
    "source",
    "entity",
    "found_in",
    "reason",
    "rows",
    "first_load",
    "last_load",
    "example_file",
    "example_row",
]
TABLES = ["table", "owner", "checks", "failed", "warned", "passed", "outcome"]
FINDINGS = ["table", "rule", "severity", "verdict", "expected", "observed", "owner"]


def tables_of(gate: GateResult) -> pd.DataFrame:
    """Row a table, the gravest first: `checks`, of which `failed` (or in error), `warned`, `passed`."""
    rows = []
    for table in dict.fromkeys(result.table for result in gate.results):
        own = [result for result in gate.results if result.table == table]
        failed = sum(result.blocks for result in own)
        warned = sum(result.verdict == "warning" for result in own)
        passed = sum(result.verdict == "passed" for result in own)
        outcome = "failed" if failed else "warning" if warned else "passed"
        owners = ", ".join(sorted({result.owner for result in own}))
        rows.append((table, owners, len(own), failed, warned, passed, outcome))
    frame = pd.DataFrame(rows, columns=TABLES)
    return frame.sort_values(["failed", "warned", "table"], ascending=[False, False, True], ignore_index=True)


def severities_of(gate: GateResult) -> pd.DataFrame:
    """Row a severity, critical first: how many checks were met, not met, and not evaluated."""
    rows = [
        (
            severity,
            sum(result.status == "passed" for result in own),
            sum(result.status == "failed" for result in own),
            sum(result.status == "error" for result in own),
        )
        for severity in ("critical", "warning")
        if (own := [result for result in gate.results if result.severity == severity])
    ]
    return pd.DataFrame(rows, columns=["severity", "met", "not_met", "error"])


def findings_of(gate: GateResult) -> pd.DataFrame:
    """Row a check that was not met or not evaluated, the gravest first; without its examples."""
    found = [*gate.errors, *gate.failures, *gate.warnings]
    rows = [
        (
            one.table,
            one.name,
            one.severity,
            one.verdict,
            one.description,
            one.error or one.observed or "",
            one.owner,
        )
        for one in found
    ]
    return pd.DataFrame(rows, columns=FINDINGS)


def pasts(settings: Settings) -> dict[tuple[str, str], Past]:
    """By gate and subject what its kept results say, the mart gate first; empty without reports."""
    found: dict[tuple[str, str], Past] = {}
    for gate in ("marts", "arrival"):
        runs = stored_runs(settings.reports / gate)
        for subject in sorted({run.result.subject for run in runs}):
            own = [run for run in runs if run.result.subject == subject]
            found[gate, subject] = past_of(own[0].result, own[1:])
    return found


def trend_of(past: Past) -> pd.DataFrame:
    """Row a run, oldest first: `at` (UTC), `verdict`, `failed`, `warned`."""
    rows = [(mark.at, mark.verdict, failed, warned) for mark, failed, warned in past.runs]
    return pd.DataFrame(rows, columns=["at", "verdict", "failed", "warned"])


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
    if known is not None:
        rows: Sequence[tuple[object, ...]] = [
            (
                load.source_id,
                load.load_date,
                load.files,
                load.row_count,
                load.unreadable_count,
                "held_back" if load.is_held_back else str(load.state),
                load.reason,
            )
            for load in known
        ]
        return _dated(rows), True
    told = release.manifest.get("loads", []) if release else []
    rows = [
        (load["source"], load["load_date"], load["files"], load["rows"], load["unreadable"], "accepted", None)
        for load in told
    ]
    return _dated(rows), False


def rejects(settings: Settings) -> pd.DataFrame | None:
    """Row a source, entity and reason, the most frequent first; None without a load manifest."""
    if not settings.manifest.exists():
        return None
    return pd.DataFrame(find_rejects(settings, Selection()).summary(), columns=REJECTS)


def incidents(settings: Settings) -> pd.DataFrame | None:
    """Row an open incident, oldest first; None in a home that never had an alert."""
    found = open_incidents(settings)
    return None if found is None else pd.DataFrame(found, columns=INCIDENT)


def _dated(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=LOADS)
    frame["load_date"] = pd.to_datetime(frame["load_date"])
    return frame.sort_values(["source", "load_date"], ignore_index=True)
