"""docs/runbooks/gate-failed.md, followed on homes that are really broken, until they are healthy."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
import runbook
from mart_tables import write_good
from nights import night, rows
from tiny_project import deliver, make_tiny
from unit.publish_home import make_home
from unit.test_expectations_marts import SUITES, spoil

from expectations.results import GateResult
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.state import Build, write_build
from orchestration.core.errors import GateError, QualityStop
from orchestration.core.settings import Settings
from orchestration.publish.release import audited
from orchestration.quality.mart_gate import judge_marts

BEFORE = [1, 8, 15, 22]
COLLAPSED = 29


def section(heading: str) -> str:
    return runbook.section("gate-failed.md", heading)


def last_page(settings: Settings, gate: str) -> tuple[str, GateResult]:
    """The last page of a gate, and what it shows."""
    stored = max((settings.reports / gate).glob("*.json"))
    return stored.with_suffix(".html").read_text(), GateResult.from_json(stored.read_bytes())


def refused(settings: Settings) -> str | None:
    with LoadManifest(settings.manifest) as manifest:
        return manifest.deliveries("east").stale_reason


def lines(settings: Settings) -> int:
    """Rows that a reader of the release sees."""
    return rows(settings.published / "current" / "marts.duckdb", "main")["fct_lines"].total()


def test_a_refused_load_comes_in_delivered_again_or_once_its_date_is_called_unusual(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = make_tiny(home)

    def night_with(east: int, day: int) -> None:
        """A night with so many rows of a Monday."""
        deliver(settings, "east", day, range(1, east + 1))
        assert night(home, judged=True) == (0, "")

    for day in BEFORE:
        deliver(settings, "west", day, [5])
        deliver(settings, "east", day, range(1, 1001))
    assert night(home, judged=True) == (0, "")
    night_with(50, COLLAPSED)
    reason = refused(settings)
    assert reason
    assert "a load has at least 10% of its usual rows" in reason
    assert lines(settings) == 4004
    page, gate = last_page(settings, "arrival")
    assert "docs/runbooks/gate-failed.md#volume-collapsed" in page
    assert gate.refused_load_dates() == {"east": (date(2024, 1, COLLAPSED),)}

    assert "under the same name" in section("A load is refused")
    assert "aipl run" in section("A load is refused")
    night_with(900, COLLAPSED)
    assert (refused(settings), lines(settings)) == (None, 4904)

    night_with(40, COLLAPSED)
    assert refused(settings) and lines(settings) == 4904
    snippet = re.search(r"```yaml\n(.*?)```", section("Volume collapsed"), flags=re.S)
    assert snippet
    declared = re.sub(r"\d{4}-\d\d-\d\d", f"2024-01-{COLLAPSED}", snippet[1])
    sources = settings.sources_file
    sources.write_text(sources.read_text().replace("  east:\n", f"  east:\n{declared}", 1))
    assert night(home, judged=True) == (0, "")
    assert (refused(settings), lines(settings)) == (None, 4044)


def test_a_gate_names_its_section_and_opens_after_the_fault_is_mended(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    settings.warehouse.unlink()
    with duckdb.connect(str(settings.warehouse)) as connection:
        write_good(connection, SUITES)

    def judged(number: int, change: str = "") -> str:
        """The outcome of the gate on what a run builds."""
        spoil(settings.warehouse, change)
        write_build(settings, Build("complete", "rules", f"{number:064}"))
        return judge_marts(settings).outcome

    assert judged(1) == "passed"
    audited(settings)

    assert judged(2, "create table kept as from fct_orders; delete from fct_orders") == "failed"
    with pytest.raises(QualityStop):
        audited(settings)
    page, gate = last_page(settings, "marts")
    (failure,) = gate.failures
    assert failure.name == "as_loaded"
    assert failure.runbook.partition("#")[2] == "the-mart-gate-is-shut"
    assert failure.runbook in page
    assert "Not met since this run." in page
    assert "`as_loaded`" in section("The mart gate is shut")
    assert "aipl rebuild" in section("The mart gate is shut")
    assert judged(3, "insert into fct_orders from kept; drop table kept") == "passed"
    assert audited(settings).build_id == f"{3:064}"

    with pytest.raises(GateError, match="tier"):
        judged(4, "alter table fct_person_states rename tier to rank")
    with pytest.raises(QualityStop):
        audited(settings)
    _, gate = last_page(settings, "marts")
    assert {error.runbook for error in gate.errors} == {
        "docs/runbooks/gate-failed.md#a-gate-that-could-not-be-evaluated"
    }
    assert "A mart or column that is missing" in section("A gate that could not be evaluated")

    # A warning holds nothing back.
    drift = (
        "alter table fct_person_states rename rank to tier;"
        "update fct_person_days set touch_date = touch_date - 7; insert into fct_person_days"
        " select days.* replace (touch_date - 7 * n as touch_date)"
        " from fct_person_days as days, (values (1), (2), (3)) t (n)"
    )
    assert judged(5, drift) == "passed"
    audited(settings)
    page, gate = last_page(settings, "marts")
    (warning,) = gate.warnings
    assert warning.runbook in page
    assert "A day without touches" in section("Drift")
