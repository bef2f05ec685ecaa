"""Alerts about what the gates found, derived from their stored verdicts.

A run that is killed between a verdict and its alert loses nothing: the next one observes the same verdict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from expectations.contracts import read_contracts
from expectations.page import latest_results, report_page
from expectations.results import GateResult
from orchestration.alerts.findings import End, Fate, Finding, Incident
from orchestration.alerts.incidents import (
    end_incidents,
    observe,
    open_findings,
    suppress_alerting_errors,
)
from orchestration.arrival.configured import Arrival, configured_sources, read_arrival
from orchestration.arrival.file_versions import Deliveries
from orchestration.build.state import read_gate
from orchestration.build.warehouse import open_warehouse
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import Settings
from orchestration.monitoring.fates import (
    fate_of_loads,
    fate_of_marts,
    is_gone,
    still_found,
    with_loads_still_refused,
)
from orchestration.monitoring.findings import PLATFORM, gate_findings, load_findings
from orchestration.monitoring.readers import readers_have
from orchestration.sources.source import Source


def observe_gates(settings: Settings, arrival: Arrival) -> None:
    """Make incidents of every stored verdict: of the mart gate, and of the arrival gate on each source."""
    latest = latest_results(_arrival_reports(settings), arrival.deliveries)
    for source_id, deliveries in arrival.deliveries.items():
        _observe_arrival(settings, source_id, deliveries, latest.get(source_id))
    observe_mart_gate(settings)
    with suppress_alerting_errors():
        end_undeclared(settings, configured_sources(settings), datetime.now(UTC))


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
        readers, brands = readers_have(settings), cache(partial(_built_brands, settings))
        for scope, found in halves.items():
            half = replace(result, results=found)
            findings = gate_findings(half, page, readers)
            fate = _by_later(half, partial(fate_of_marts, half, brands), lambda _: None)
            observe(settings, scope, findings, datetime.now(UTC), fate)


def end_undeclared(settings: Settings, declared: Mapping[str, Source], now: datetime) -> None:
    """Close what is open about sources that are not declared any more: nothing looks at them."""

    def gone(incident: Incident) -> End | None:
        of_source = re.fullmatch("(?:gate/)?arrival/(.*)", incident.scope)
        source_id = of_source[1] if of_source else incident.finding.subject.source
        return is_gone(source_id) if source_id and source_id not in declared else None

    end_incidents(settings, gone, now)


def _observe_arrival(
    settings: Settings, source_id: str, deliveries: Deliveries, gate: GateResult | None
) -> None:
    scope = f"gate/arrival/{source_id}"
    with suppress_alerting_errors():
        source, readers = configured_sources(settings).get(source_id), readers_have(settings)
        findings = load_findings(deliveries.versions, source.owner if source else PLATFORM, readers)
        if gate:
            page = report_page(gate, _arrival_reports(settings))
            before = {finding.key: finding for finding in open_findings(settings, scope)}
            findings += [
                with_loads_still_refused(found, before.get(found.key), gate.load_dates, deliveries.loads)
                for found in gate_findings(gate, page, readers)
                if still_found(found, deliveries.loads)
            ]
        # A verdict too old to be listed is not read: what it found stays as it is.
        by_loads = partial(fate_of_loads, None, deliveries.loads)
        fate = _by_later(gate, partial(fate_of_loads, gate, deliveries.loads), by_loads)
        observe(settings, scope, findings, datetime.now(UTC), fate)


def _by_later(
    gate: GateResult | None,
    judged: Callable[[Finding], End | None],
    otherwise: Callable[[Finding], End | None],
) -> Fate:
    """A fate by a verdict; `otherwise` of what was found after it, by one that cannot be read any more."""

    def fate(incident: Incident) -> End | None:
        is_later = gate is not None and gate.finished_at > incident.opened_at
        return (judged if is_later else otherwise)(incident.finding)

    return fate


def _built_brands(settings: Settings) -> set[str] | None:
    """Brands with rows in the last build; None while it cannot be read."""
    try:
        with open_warehouse(settings) as connection:
            return {
                brand for (brand,) in connection.execute("select brand_id from marts.dim_brand").fetchall()
            }
    except EnvironmentStop:
        return None


def _arrival_reports(settings: Settings) -> Path:
    return settings.reports / "arrival"
