"""What monitoring finds wrong with gates, loads, arrival and freshness, and when it no longer is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from unit.test_due_loads import SCHEDULE, TODAY, YESTERDAY, at, come, source
from verdicts import verdict

from expectations.results import ExpectationResult, Severity, Status
from orchestration.arrival.file_versions import FileVersion, State
from orchestration.arrival.pending import PendingLoads
from orchestration.monitoring.findings import (
    GATE_FAILED,
    gate_findings,
    load_findings,
    outward,
    stopped_finding,
)
from orchestration.monitoring.watch import freshness_findings, lateness_findings

PAGE = Path("reports/marts/page.html")


def version(
    day: date, rows: int | None, file: str = "a", version_id: int = 1, state: State = State.ARRIVED
) -> FileVersion:
    """A version of a file, which is refused for a column if it is."""
    name, reason = f"{file}_{day}.csv", "no column amount"
    return FileVersion(
        *("east", "orders", name, day, "v", "s", "d"), rows, state=state, reason=reason, version_id=version_id
    )


def result(name: str, status: Status, severity: Severity = "critical", **more: object) -> ExpectationResult:
    (given,) = verdict("fct_fast", status=status).results
    return replace(given, name=name, severity=severity, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clock", "delivered", "late"),
    [
        ("05:59", come(), None),
        ("06:00", come(), "2026-03-10"),
        ("06:00", come(TODAY), None),
        ("05:59", come() - {YESTERDAY}, "2026-03-09"),
        ("12:00", come() - {YESTERDAY}, "2026-03-09, 2026-03-10"),
        ("12:00", set(), "2026-03-02 to 2026-03-10 (9 load dates)"),
    ],
)
def test_a_source_is_late_past_its_deadline(clock, delivered, late):
    found = lateness_findings(source(), SCHEDULE, PendingLoads(delivered={"east": delivered}), [], at(clock))
    assert [finding.title for finding in found] == ([f"east is late: {late}"] if late else [])


def test_a_source_that_cannot_be_listed_is_told_as_that_and_a_load_without_a_row_is_empty():
    pending = PendingLoads(delivered={"east": come()}, unreachable={"east": "dumps: no route"})
    (finding,) = lateness_findings(source(), SCHEDULE, pending, [], at("12:00"))
    assert (finding.key, finding.text) == ("unreachable", "dumps: no route")
    pending = PendingLoads(delivered={"east": come(TODAY)})
    empty = [version(YESTERDAY, 5), version(TODAY, 0), version(TODAY, None, "b", 2)]
    (finding,) = lateness_findings(source(), SCHEDULE, pending, empty, at("12:00"))
    assert (finding.kind, finding.title) == ("source_empty", "east delivered nothing on 2026-03-10")
    corrected = [*empty, version(TODAY, 3, version_id=3)]
    assert lateness_findings(source(), SCHEDULE, pending, corrected, at("12:00")) == []


def release(*days: date) -> dict[str, object]:
    loads = [{"source": "east", "load_date": day.isoformat()} for day in days]
    return {"release_id": "r1", "loads": loads}


@pytest.mark.parametrize(
    ("held", "clock", "through"),
    [
        (come(TODAY), "12:00", None),
        (come(), "08:59", None),
        (come(), "09:00", "2026-03-08"),
        (come(TODAY) - {YESTERDAY}, "12:00", "2026-03-07"),
        (set(), "12:00", "no day"),
        (None, "12:00", "no day"),
    ],
)
def test_marts_must_hold_what_is_owed_by_the_time_they_should_be_fresh(held, clock, through):
    current = None if held is None else release(*held)
    found = freshness_findings({"east": source()}, SCHEDULE, current, at(clock))
    assert [(finding.severity, finding.title) for finding in found] == (
        [("critical", f"east: the marts are not fresh, complete through {through} instead of 2026-03-09")]
        if through
        else []
    )
    assert all(f"Release: {current['release_id'] if current else 'none'}." in one.text for one in found)
    # Whoever owes nothing new stays fresh.
    for quiet in (
        source(closed={"weekdays": ["tuesday"]}),
        source(ends_on="2026-03-08"),
        source(feed="static", starts_on=None),
    ):
        assert freshness_findings({"east": quiet}, SCHEDULE, release(*come()), at("12:00")) == []


def test_each_expectation_that_was_not_met_is_a_finding_and_passes_are_none() -> None:
    results = (
        result("holds", "passed"),
        result("drift", "failed", "warning"),
        result("bounds", "failed", runbook="docs/runbooks/own.md"),
        result("odd", "error", "warning"),
    )
    found = gate_findings(replace(verdict("fct_fast"), results=results), PAGE)
    assert {one.key: (one.severity, one.runbook) for one in found} == {
        "fct_fast.odd": ("critical", GATE_FAILED),
        "fct_fast.bounds": ("critical", "docs/runbooks/own.md"),
        "fct_fast.drift": ("warning", GATE_FAILED),
    }
    assert all((one.owner, one.link) == ("tests", str(PAGE)) for one in found)
    assert "the suite broke" in found[0].text
    (nothing,) = gate_findings(replace(verdict("fct_fast"), results=()), PAGE)
    assert (nothing.key, nothing.severity) == ("nothing_checked", "critical")


def test_what_leaves_this_machine_names_no_person() -> None:
    row = {"person_id": "p-1234", "source_key": "m-77", "source_id": "shop", "persons": 4}
    results = (result("bounds", "failed", examples=(row,) * 9),)
    (found,) = gate_findings(replace(verdict("fct_fast"), results=results), PAGE)
    assert "person_id=***, source_key=***, source_id=shop, persons=4" in found.text
    assert found.text.count("example:") == 3
    text = stopped_finding("warehouse", "law broken:\n  member_id=m-77, days=2", None).text
    assert "member_id=***, days=2" in text
    assert len(outward("x" * 9000)) < 1600


def test_dumps_that_cannot_be_read_are_a_finding_a_table_until_they_can() -> None:
    broken = [version(TODAY, None, f"{number}", number, State.REFUSED) for number in range(5)]
    (found,) = load_findings(broken, "data-platform")
    assert found.key == "east.orders.readable"
    assert "5 dumps" in found.title
    assert f"0_{TODAY}.csv: no column amount" in found.text and "and 2 more" in found.text
    mended = [version(TODAY, 3, f"{number}", 10 + number, State.ACCEPTED) for number in range(5)]
    assert load_findings([*broken, *mended], "data-platform") == []
