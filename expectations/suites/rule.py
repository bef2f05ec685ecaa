"""One rule of a suite: a Great Expectations class and its arguments, with a name and a reason for people.

Rules are plain values, so that suites can be listed without the seconds that importing the library takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.baseline import Drift
from expectations.results import Severity

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

ROWS_QUERY = "UnexpectedRowsExpectation"
ROW_COUNT = "ExpectTableRowCountToBeBetween"
RUNBOOK = "docs/runbooks/gate-failed.md"
SECTIONS: Mapping[Severity, str] = {"critical": "the-mart-gate-is-shut", "warning": "a-warning"}
NOT_EVALUATED = f"{RUNBOOK}#a-gate-that-could-not-be-evaluated"


@dataclass(frozen=True)
class Rule:
    """`name` is unique within its suite; `reason` completes "expected: "; `column` is the one concerned.

    `drifts` are set where a load is judged by what came before it. `runbook` is the anchor of its own advice.
    `unexpected` is a query of the rows that it objects to, over `{batch}`; empty where it objects to none.
    `lacking` is a query for what has too short a past to be judged, with `found` and `needed`.
    `cure` says what to do, in a sentence; `LOAD_DATE` stands for the load date in question.
    """

    name: str
    reason: str
    expectation: str
    arguments: Mapping[str, object]
    severity: Severity = "critical"
    column: str | None = None
    drifts: tuple[Drift, ...] = ()
    runbook: str = ""
    lacking: str = ""
    unexpected: str = ""
    cure: str = ""

    @property
    def runbook_link(self) -> str:
        """Where to read what to do: a heading of the page about failed gates."""
        return f"{RUNBOOK}#{self.runbook or SECTIONS[self.severity]}"

    def build(self, owner: str) -> Expectation:
        """The Great Expectations object; its meta carries what the library has no field for."""
        import great_expectations.expectations as gxe

        meta = {"rule": self.name, "owner": owner, "severity": self.severity, "reason": self.reason}
        expectation: Expectation = getattr(gxe, self.expectation)(
            **self.arguments, severity=self.severity, meta=meta
        )
        return expectation


@dataclass(frozen=True)
class Suite:
    """The rules of one table; `key` names the columns that an unexpected row is shown with.

    `row` is what people call a row of it. A table that is `computed` when it is asked, and too large to
    compute in full, has only rules that ask for a part.
    """

    table: str
    owner: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    row: str = "row"
    computed: bool = False

    @property
    def severity(self) -> Severity:
        """The gravest severity among the rules."""
        return "critical" if any(rule.severity == "critical" for rule in self.rules) else "warning"


def no_rows(name: str, reason: str, query: str) -> Rule:
    """The query over `{batch}` (the table) finds nothing; each row that it finds is an example."""
    return Rule(name, reason, ROWS_QUERY, {"unexpected_rows_query": query})
