"""The mart gate, and its verdict remembered for publish: on the present build, then on what publish adds.

Both are one run of one gate, with one page.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from expectations.page import write_report
from expectations.results import GateResult
from expectations.runner import run_marts
from expectations.suites.load import SuiteError, read_suites
from expectations.suites.rule import Suite
from orchestration.build.state import GateRecord, read_build, write_gate
from orchestration.build.warehouse import require_sound_warehouse
from orchestration.core.errors import GateError, GateStop, InputError, QualityStop
from orchestration.core.settings import Settings


def judge_marts(settings: Settings) -> GateResult:
    """Run the mart gate on the present build, keep verdict and report.

    Raises:
        QualityStop: there is no finished build.
        InputError: a suite's file is wrong.
        EnvironmentStop: the warehouse turned out to be damaged.
        GateError: an expectation could not be evaluated.
    """
    build = read_build(settings)
    if build is None or build.state != "complete":
        raise QualityStop("The warehouse holds no finished build for the mart gate. Run `aipl run`.")
    result = run_marts(settings.warehouse, gate_suites(settings))
    _, page = _keep(settings, build.build_id, result)
    if result.outcome == "error":
        require_sound_warehouse(settings)
        raise GateError(_account(result, page))
    return result


def keep_verdict(settings: Settings, result: GateResult) -> None:
    """Keep a verdict for the present build: of an earlier one, that holding loads back did not change."""
    if build := read_build(settings):
        _keep(settings, build.build_id, result)


def judge_release(settings: Settings, gate: GateRecord, database: Path, previous: Path | None) -> GateRecord:
    """Run the mart gate on what publish adds to the marts of the build that `gate` let through.

    `database` is that of the unfinished release, `previous` the folder of the release that its ledger
    compares it with. Returns the verdict on all of it.

    Raises:
        GateStop: an expectation that holds back was not met.
        GateError: an expectation could not be evaluated.
    """
    suites = gate_suites(settings, made_at_publish=True)
    judged = run_marts(database, suites, previous=previous)
    build = GateResult.from_json(json.dumps(gate.results))
    of_build = (found for found in build.results if found.table not in {suite.table for suite in suites})
    result = replace(build, finished_at=judged.finished_at, results=(*of_build, *judged.results))
    record, page = _keep(settings, gate.build_id, result)
    if result.outcome != "passed":
        raise (GateError if result.outcome == "error" else GateStop)(_account(result, page))
    return record


def gate_suites(settings: Settings, *, made_at_publish: bool = False) -> list[Suite]:
    """Suites of the marts of the warehouse, or of those that are made at publish. Raises InputError."""
    try:
        suites = read_suites(settings.dbt_project, settings.suites).values()
    except SuiteError as error:
        raise InputError(str(error)) from error
    return [one.suite for one in suites if one.contract.made_at_publish == made_at_publish]


def described_expectations(settings: Settings) -> dict[str, str]:
    """What the gate expects of each mart, one line per expectation, in Markdown.

    Nothing where a suite is broken.
    """
    try:
        suites = gate_suites(settings)
    except InputError:
        # The gate says so, and stops.
        return {}
    return {
        suite.table: "\n".join(f"- `{rule.name}` ({rule.severity}): {rule.reason}" for rule in suite.rules)
        for suite in suites
    }


def _keep(settings: Settings, build_id: str, result: GateResult) -> tuple[GateRecord, Path]:
    record = GateRecord(
        build_id=build_id,
        passed=result.outcome == "passed",
        finished_at=result.finished_at.isoformat(timespec="seconds"),
        results=json.loads(result.to_json()),
    )
    write_gate(settings, record)
    return record, write_report(result, settings.reports / result.gate)


def _account(result: GateResult, page: Path) -> str:
    return "\n".join([*result.summary_lines(), f"Report: {page}"])
