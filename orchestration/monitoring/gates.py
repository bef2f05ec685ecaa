"""Alerts about what the gates found, derived from their stored verdicts.

A run that is killed between a verdict and its alert loses nothing: the next one observes the same verdict.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from expectations.contracts import read_contracts
from expectations.page import latest_results, report_page
from expectations.results import GateResult
from orchestration.alerts.incidents import observe, open_findings, suppress_alerting_errors
from orchestration.arrival.configured import Arrival, configured_sources, read_arrival
from orchestration.arrival.file_versions import Deliveries
from orchestration.build.state import read_gate
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import OF_FILES, PLATFORM, arrival_findings, gate_findings


def observe_gates(settings: Settings, arrival: Arrival) -> None:
    """Make incidents of every stored verdict: of the mart gate, and of the arrival gate on each source."""
    latest = latest_results(_arrival_reports(settings), arrival.deliveries)
    for source_id, deliveries in arrival.deliveries.items():
        _observe_arrival(settings, source_id, deliveries, latest.get(source_id))
    observe_mart_gate(settings)


def observe_arrival_gate(settings: Settings, source_id: str) -> None:
    """Make incidents of what is wrong with the loads of a source, by its latest verdict and its manifest."""
    with suppress_alerting_errors():
        deliveries = read_arrival(settings, {}).of(source_id)
        latest = latest_results(_arrival_reports(settings), {source_id})
        _observe_arrival(settings, source_id, deliveries, latest.get(source_id))


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


def _observe_arrival(
    settings: Settings, source_id: str, deliveries: Deliveries, gate: GateResult | None
) -> None:
    scope = f"gate/arrival/{source_id}"
    with suppress_alerting_errors():
        before = open_findings(settings, scope)
        # A verdict too old to be listed is not read: what it found stays as it is.
        judged = [finding for finding in before if not finding.key.endswith(OF_FILES)]
        if gate:
            judged = gate_findings(gate, report_page(gate, _arrival_reports(settings)))
        source = configured_sources(settings).get(source_id)
        findings = arrival_findings(
            judged,
            gate.load_dates if gate else (),
            deliveries.versions,
            before,
            source.owner if source else PLATFORM,
        )
        observe(settings, scope, findings, datetime.now(UTC))


def _arrival_reports(settings: Settings) -> Path:
    return settings.reports / "arrival"
