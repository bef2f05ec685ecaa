"""The mart gate on the present build, and its verdict remembered for publish."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from expectations.page import write_report
from expectations.results import GateResult
from expectations.runner import run_marts
from orchestration.lib.alerts.incidents import observe, out_of_the_way
from orchestration.lib.alerts.translate import gate_findings
from orchestration.lib.build.state import GateRecord, read_build, write_gate
from orchestration.lib.build.warehouse import require_sound_warehouse
from orchestration.lib.errors import AiplError, QualityStop
from orchestration.settings import Settings


class GateError(AiplError):
    """The gate itself failed: that says nothing about the data, and lets nothing through."""


def judge_marts(settings: Settings) -> GateResult:
    """Run the mart gate on the present build, keep verdict and report.

    Raises:
        QualityStop: there is no finished build.
        EnvironmentStop: the warehouse turned out to be damaged.
        GateError: an expectation could not be evaluated.
    """
    build = read_build(settings)
    if build is None or build.state != "complete":
        raise QualityStop("The warehouse holds no finished build for the mart gate. Run `aipl run`.")
    result = run_marts(settings.warehouse)
    record = GateRecord(
        build_id=build.build_id,
        passed=result.outcome == "passed",
        finished_at=result.finished_at.isoformat(timespec="seconds"),
        results=json.loads(result.to_json()),
    )
    write_gate(settings, record)
    page = write_report(result, settings.reports / result.gate)
    with out_of_the_way():
        observe(settings, "gate/marts", gate_findings(result, page), datetime.now(UTC))
    if result.outcome == "error":
        require_sound_warehouse(settings)
        raise GateError("\n".join([*result.summary_lines(), f"The report is {page}."]))
    return result
