"""Alerts about what the gates found, derived from their stored verdicts.

A run that is killed between a verdict and its alert loses nothing: the next one observes the same verdict.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from expectations.contracts import read_contracts
from expectations.page import latest_results, report_page
from expectations.results import GateResult
from orchestration.alerts.incidents import observe, open_findings, suppress_alerting_errors
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.state import read_gate
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import UNREADABLE, arrival_findings, gate_findings


def observe_gates(settings: Settings) -> None:
    """Make incidents of every stored verdict: of the mart gate, and of the arrival gate on each source."""
    if settings.manifest.exists():
        with LoadManifest(settings.manifest) as manifest:
            sources = manifest.source_ids()
        observe_arrival_gate(settings, *sources)
    observe_mart_gate(settings)


def observe_arrival_gate(settings: Settings, *sources: str) -> None:
    """Make incidents of what is wrong with the loads of sources, by their latest verdicts and manifests."""
    reports = settings.reports / "arrival"
    latest = latest_results(reports, sources)
    for source_id in sources:
        with suppress_alerting_errors():
            scope, gate = f"gate/arrival/{source_id}", latest.get(source_id)
            with LoadManifest(settings.manifest) as manifest:
                versions = manifest.versions(source_id)
            before = open_findings(settings, scope)
            # A verdict too old to be listed is not read: what it found stays as it is.
            judged = [finding for finding in before if not finding.key.endswith(UNREADABLE)]
            if gate:
                judged = gate_findings(gate, report_page(gate, reports))
            findings = arrival_findings(judged, gate.load_dates if gate else (), versions, before)
            observe(settings, scope, findings, datetime.now(UTC))


def observe_mart_gate(settings: Settings) -> None:
    """Make incidents of the latest verdict on the marts, and of that on what publish adds to them.

    The two are apart: neither half closes the incidents of the other.
    """
    with suppress_alerting_errors():
        record = read_gate(settings)
        if record is None:
            return
        result = GateResult.from_json(json.dumps(record.results))
        page = report_page(result, settings.reports / result.gate)
        contracts = read_contracts(settings.dbt_project)
        added = {name for name, contract in contracts.items() if contract.made_at_publish}
        of_release = tuple(found for found in result.results if found.table in added)
        of_build = tuple(found for found in result.results if found.table not in added)
        halves = {"gate/marts": of_build, **({"gate/release": of_release} if of_release else {})}
        for scope, found in halves.items():
            findings = gate_findings(replace(result, results=found), page)
            observe(settings, scope, findings, datetime.now(UTC))
