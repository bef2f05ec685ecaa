"""What is found wrong with arrival and freshness, and when it no longer is."""

from __future__ import annotations

from datetime import date

import pytest
from unit.test_due_loads import SCHEDULE, TODAY, YESTERDAY, at, come, source

from orchestration.arrival.file_versions import FileVersion
from orchestration.arrival.pending import PendingLoads
from orchestration.monitoring.lateness import freshness_findings, lateness_findings


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


def test_a_source_that_cannot_be_listed_is_told_as_that():
    pending = PendingLoads(delivered={"east": come()}, unreachable={"east": "dumps: no route"})
    (finding,) = lateness_findings(source(), SCHEDULE, pending, [], at("12:00"))
    assert (finding.key, finding.text) == ("unreachable", "dumps: no route")


def version(day: date, rows: int | None, file: str = "a", version_id: int = 1) -> FileVersion:
    return FileVersion(
        "east", "e", f"{file}_{day}.csv", day, "v", "s", "d", row_count=rows, version_id=version_id
    )


def test_a_load_without_a_row_is_empty_until_the_next_one():
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
    ],
)
def test_marts_must_hold_what_is_owed_by_the_time_they_should_be_fresh(held, clock, through):
    found = freshness_findings({"east": source()}, SCHEDULE, release(*held), at(clock))
    assert [finding.title for finding in found] == (
        [f"east: the marts are not fresh, complete through {through}"] if through else []
    )


def test_a_home_without_a_release_is_not_fresh():
    (finding,) = freshness_findings({"east": source()}, SCHEDULE, None, at("12:00"))
    assert "Release: none." in finding.text
    assert finding.severity == "critical"


@pytest.mark.parametrize(
    "quiet",
    [
        source(closed={"weekdays": ["tuesday"]}),
        source(ends_on="2026-03-08"),
        source(feed="static", starts_on=None),
    ],
    ids=["closed", "ended", "static"],
)
def test_a_source_that_owes_nothing_new_stays_fresh(quiet):
    assert freshness_findings({"east": quiet}, SCHEDULE, release(*come()), at("12:00")) == []
