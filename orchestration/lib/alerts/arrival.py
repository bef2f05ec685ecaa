"""Alerts about the loads of one source, from every run of its gate."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

from expectations.results import GateResult
from orchestration.lib.alerts.incidents import observe, open_findings, out_of_the_way
from orchestration.lib.alerts.translate import arrival_findings, gate_findings
from orchestration.lib.arrival.manifest import LoadManifest
from orchestration.settings import Settings


def observe_arrival(
    settings: Settings,
    source_id: str,
    gate: GateResult | None,
    page: Path | None,
    load_dates: Collection[date],
) -> None:
    """Make incidents of what is wrong with a source's loads, after its gate judged these load dates.

    `gate` is None when nothing readable waited for it.
    """
    scope = f"gate/arrival/{source_id}"
    with out_of_the_way():
        with LoadManifest(settings.manifest) as manifest:
            versions = manifest.versions(source_id)
        judged = gate_findings(gate, page) if gate and page else []
        before = open_findings(settings, scope)
        findings = arrival_findings(judged, load_dates, versions, before)
        observe(settings, scope, findings, datetime.now(UTC))
