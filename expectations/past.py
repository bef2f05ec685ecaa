"""History of a gate: recent outcomes of each expectation, and since when it has been failing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from expectations.results import ExpectationResult, GateResult

MAX_SHOWN = 30

Verdict = Literal["passed", "warning", "failed", "error"]
_GRAVITY: tuple[Verdict, ...] = ("passed", "warning", "failed", "error")


@dataclass(frozen=True)
class Run:
    """A stored result and the name of its page, fit for a link."""

    page: str
    result: GateResult


@dataclass(frozen=True)
class Mark:
    """One outcome in a row of outcomes; `page` is empty for the run that is shown."""

    page: str
    at: datetime
    verdict: Verdict


@dataclass(frozen=True)
class Past:
    """Outcomes, oldest first, ending with the run that is shown: of the gate, by table, by (table, rule)."""

    runs: list[tuple[Mark, int, int]]
    tables: dict[str, list[Mark]] = field(default_factory=dict)
    rules: dict[tuple[str, str], list[Mark]] = field(default_factory=dict)

    def since(self, result: ExpectationResult) -> str:
        """Since when an expectation has not been met, as text."""
        marks = self.rules[result.table, result.name]
        unmet = 0
        for mark in reversed(marks):
            if mark.verdict == "passed":
                break
            unmet += 1
        first = f"{marks[-unmet].at:%Y-%m-%d %H:%M} UTC" if unmet else ""
        if unmet <= 1:
            return "since this run" if len(marks) > 1 else "since this run, the first that is known"
        if unmet == len(marks):
            return f"in all {unmet} runs that are shown, at least since {first}"
        return f"since {first}, {unmet} runs in a row"


def past_of(result: GateResult, earlier: Sequence[Run]) -> Past:
    """The past of a result: earlier runs (latest first) of the same gate on the same subject, and itself."""
    same = [run for run in earlier if (run.result.gate, run.result.subject) == (result.gate, result.subject)]
    runs = [*reversed(same[: MAX_SHOWN - 1]), Run("", result)]
    past = Past([])
    for run in runs:
        at = run.result.started_at
        failed, warned = len(run.result.failures) + len(run.result.errors), len(run.result.warnings)
        verdict: Verdict = "warning" if run.result.outcome == "passed" and warned else run.result.outcome
        past.runs.append((Mark(run.page, at, verdict), failed, warned))
        tables: dict[str, Verdict] = {}
        for one in run.result.results:
            past.rules.setdefault((one.table, one.name), []).append(Mark(run.page, at, one.verdict))
            gravest = max(tables.get(one.table, "passed"), one.verdict, key=_GRAVITY.index)
            tables[one.table] = gravest
        for table, gravest in tables.items():
            past.tables.setdefault(table, []).append(Mark(run.page, at, gravest))
    return past
