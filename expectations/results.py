"""What a gate found, as plain values: no Great Expectations needed to read, store or show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import TypeAdapter

from expectations.personal import mask_row

Gate = Literal["arrival", "marts"]
Severity = Literal["critical", "warning"]
Status = Literal["passed", "failed", "error"]
Scalar = str | int | float | bool | None

LOAD_DATE = "LOAD_DATE"
_SHOWN_EXAMPLES = 3


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation on one table: what was asked, of whom, and what was found.

    `table` is `<source>.<table>` on arrival and the mart's name otherwise. `load_dates` are those that
    fail an arrival expectation; `found` says in figures what each of them has, and what is usual; `cure` what
    to do, with `LOAD_DATE` for the load date. `named` are the sources or brands of all unexpected rows of a
    mart, by the name of their column. `not_judged` says what could not be compared with its past yet. `error`
    is set exactly when `status` is 'error': the expectation could not be evaluated, which says nothing about
    the data. Examples never say who they are about: results are stored, shown and sent.
    """

    table: str
    name: str
    description: str
    column: str | None
    severity: Severity
    owner: str
    status: Status
    observed: str | None = None
    unexpected_count: int | None = None
    examples: tuple[dict[str, Scalar], ...] = ()
    error: str | None = None
    load_dates: tuple[date, ...] = ()
    runbook: str = ""
    not_judged: str = ""
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    found: Mapping[date, str] = field(default_factory=dict)
    cure: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "examples", tuple(mask_row(row) for row in self.examples))

    @property
    def verdict(self) -> Literal["passed", "warning", "failed", "error"]:
        """The status as people say it: a warning is a failure that blocks nothing."""
        return "warning" if self.status == "failed" and self.severity == "warning" else self.status

    def refusal(self, load_date: date) -> str:
        """Why a load date was refused: the rule, what was found, what to do."""
        found = self.found.get(load_date) or self.observed
        cure = self.cure.replace(LOAD_DATE, load_date.isoformat())
        return f"{self.table}: {self.description}; found: {found}. {cure}".strip()

    @property
    def figures(self) -> list[str]:
        """What was found, one load date a line, the latest first and a few of them only."""
        latest = sorted(self.found, reverse=True)
        lines = [f"{day}: {self.found[day]}" for day in latest[:_SHOWN_EXAMPLES]]
        if more := len(latest) - len(lines):
            lines.append(f"and {more:,} more")
        return lines

    @property
    def remedy(self) -> str:
        """What to do about the latest load date that fails; empty where the rule does not say."""
        days = self.found or self.load_dates
        return self.cure.replace(LOAD_DATE, max(days).isoformat()) if days else self.cure

    @property
    def blocks(self) -> bool:
        """Whether this result alone keeps the gate shut."""
        return self.verdict in ("failed", "error")


@dataclass(frozen=True)
class GateResult:
    """One run of one gate; times are UTC. `load_dates` are those that an arrival gate judged."""

    gate: Gate
    subject: str
    started_at: datetime
    finished_at: datetime
    results: tuple[ExpectationResult, ...]
    load_dates: tuple[date, ...] = ()

    @property
    def outcome(self) -> Status:
        """'error', else 'failed', else 'passed'; a gate that checked nothing is an error."""
        if not self.results or self.errors:
            return "error"
        return "failed" if self.failures else "passed"

    @property
    def errors(self) -> tuple[ExpectationResult, ...]:
        """Expectations that could not be evaluated."""
        return tuple(result for result in self.results if result.verdict == "error")

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """Critical expectations that the data did not meet."""
        return tuple(result for result in self.results if result.verdict == "failed")

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        """Non-critical expectations that the data did not meet."""
        return tuple(result for result in self.results if result.verdict == "warning")

    @property
    def passes(self) -> tuple[ExpectationResult, ...]:
        """Expectations that the data met."""
        return tuple(result for result in self.results if result.verdict == "passed")

    @property
    def without_baseline(self) -> tuple[ExpectationResult, ...]:
        """Expectations without enough history to judge all data."""
        return tuple(result for result in self.results if result.not_judged)

    def refused_load_dates(self) -> dict[str, tuple[date, ...]]:
        """Load dates to refuse, by source: those that fail a critical arrival expectation on any table."""
        refused: dict[str, set[date]] = {}
        for result in self.failures:
            refused.setdefault(result.table.partition(".")[0], set()).update(result.load_dates)
        return {source: tuple(sorted(dates)) for source, dates in refused.items()}

    def to_json(self) -> str:
        """This result as JSON, for `from_json`."""
        return _ADAPTER.dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> GateResult:
        """Read what `to_json` wrote; ValueError if it is anything else."""
        return _ADAPTER.validate_json(text)

    def summary_lines(self) -> list[str]:
        """The outcome, then each finding with its count and examples, as lines for a terminal."""
        found = f"{len(self.passes)} passed, {len(self.failures)} failed"
        found += f", {len(self.warnings)} warned, {len(self.errors)} could not be evaluated"
        lines = [f"{self.gate} gate on {self.subject}: {self.outcome} ({found})"]
        for result in (*self.errors, *self.failures, *self.warnings):
            lines.extend(_finding_lines(result))
        if self.without_baseline:
            lines.append(f"  not enough history for a full baseline: {len(self.without_baseline)}")
        if not self.results:
            lines.append("  error: no expectation was evaluated")
        return lines

    def warning_lines(self) -> list[str]:
        """Each warning in a line: which table and rule, what was found, an example."""
        return [_line(result) for result in self.warnings]


def _line(result: ExpectationResult) -> str:
    told = f"{result.table}: {result.name}: {result.observed or 'not met'} (expected: {result.description})"
    if result.found:
        return f"{told}; {result.figures[0]}"
    if result.examples:
        told += "; such as " + ", ".join(f"{key}={value}" for key, value in result.examples[0].items())
    return told


def _finding_lines(result: ExpectationResult) -> Iterator[str]:
    """One finding: its headline, why it matters, and a few rows."""
    yield f"  {result.verdict}: {result.table}: {result.name}: {result.error or result.observed or 'not met'}"
    yield f"    expected: {result.description} (owner: {result.owner})"
    if result.found:
        yield from (f"    {line}" for line in (*result.figures, result.remedy) if line)
        return
    for example in result.examples[:_SHOWN_EXAMPLES]:
        yield "    " + ", ".join(f"{key}={value}" for key, value in example.items())
    if len(result.examples) > _SHOWN_EXAMPLES:
        yield "    ..."


_ADAPTER = TypeAdapter(GateResult)
