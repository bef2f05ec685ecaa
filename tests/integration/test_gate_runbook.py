"""docs/runbooks/gate-failed.md, followed on homes that are really broken, until they are healthy."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
import runbook
from mart_tables import write_good
from nights import night
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


@pytest.fixture
def collapsed(tmp_path: Path) -> Settings:
    """Four Mondays of a shop in the release, and a fifth with a twentieth of the rows, refused."""
    home = tmp_path / "home"
    home.mkdir()
    settings = make_tiny(home)
    for day in BEFORE:
        deliver(settings, "east", day, range(1, 1001))
        deliver(settings, "west", day, [5])
    assert night(home, judged=True) == (0, "")
    deliver(settings, "east", COLLAPSED, range(1, 51))
    assert night(home, judged=True) == (0, "")
    reason = refused(settings)
    assert reason
    assert "a load has at least 10% of its usual rows" in reason
    assert lines(settings) == 4004
    page, gate = last_page(settings, "arrival")
    assert "docs/runbooks/gate-failed.md#volume-collapsed" in page
    assert gate.refused_load_dates() == {"east": (date(2024, 1, COLLAPSED),)}
    return settings


def lines(settings: Settings) -> int:
    """Rows that a reader of the release sees."""
    database = settings.published / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select count(*) from fct_lines").fetchone()
    assert row
    return int(row[0])


def test_a_load_delivered_again_comes_in(collapsed: Settings) -> None:
    assert "under the same name" in section("A load is refused")
    assert "aipl run" in section("A load is refused")
    deliver(collapsed, "east", COLLAPSED, range(1, 901))
    assert night(collapsed.home, judged=True) == (0, "")
    assert (refused(collapsed), lines(collapsed)) == (None, 4904)


def test_a_right_load_comes_in_once_its_date_is_called_unusual(collapsed: Settings) -> None:
    snippet = re.search(r"```yaml\n(.*?)```", section("Volume collapsed"), flags=re.S)
    assert snippet
    declared = re.sub(r"\d{4}-\d\d-\d\d", f"2024-01-{COLLAPSED}", snippet[1])
    sources = collapsed.sources_file
    sources.write_text(sources.read_text().replace("  east:\n", f"  east:\n{declared}", 1))
    assert night(collapsed.home, judged=True) == (0, "")
    assert (refused(collapsed), lines(collapsed)) == (None, 4054)


@pytest.fixture
def built(tmp_path: Path) -> Settings:
    """A home with a build whose marts are good, let through by the gate."""
    settings = make_home(tmp_path)
    settings.warehouse.unlink()
    with duckdb.connect(str(settings.warehouse)) as connection:
        write_good(connection, SUITES)
    rebuilt(settings, "1")
    assert judge_marts(settings).outcome == "passed"
    audited(settings)
    return settings


def rebuilt(settings: Settings, number: str) -> None:
    """What the build of a run leaves."""
    write_build(settings, Build("complete", "rules", number * 64))


def test_a_shut_gate_names_its_section_and_opens_after_the_fault_is_mended(built: Settings) -> None:
    spoil(built.warehouse, "create table kept as from fct_orders; delete from fct_orders")
    rebuilt(built, "2")
    assert judge_marts(built).outcome == "failed"
    with pytest.raises(QualityStop):
        audited(built)
    page, gate = last_page(built, "marts")
    (failure,) = gate.failures
    assert failure.name == "as_loaded"
    assert failure.runbook.partition("#")[2] == "the-mart-gate-is-shut"
    assert failure.runbook in page
    assert "Not met since this run." in page
    assert "`as_loaded`" in section("The mart gate is shut")
    assert "aipl rebuild" in section("The mart gate is shut")
    spoil(built.warehouse, "delete from fct_orders; insert into fct_orders from kept")
    rebuilt(built, "3")
    assert judge_marts(built).outcome == "passed"
    assert audited(built).build_id == "3" * 64


def test_a_warning_holds_nothing_back(built: Settings) -> None:
    spoil(
        built.warehouse,
        "update fct_person_days set touch_date = touch_date - 7; insert into fct_person_days"
        " select days.* replace (touch_date - 7 * n as touch_date)"
        " from fct_person_days as days, (values (1), (2), (3)) t (n)",
    )
    rebuilt(built, "2")
    assert judge_marts(built).outcome == "passed"
    audited(built)
    page, gate = last_page(built, "marts")
    (warning,) = gate.warnings
    assert warning.runbook in page
    assert "A day without touches" in section("Drift")


def test_a_gate_that_cannot_be_evaluated_says_so_and_lets_nothing_through(built: Settings) -> None:
    spoil(built.warehouse, "alter table fct_person_states rename tier to rank")
    rebuilt(built, "2")
    with pytest.raises(GateError, match="tier"):
        judge_marts(built)
    with pytest.raises(QualityStop):
        audited(built)
    _, gate = last_page(built, "marts")
    assert {error.runbook for error in gate.errors} == {
        "docs/runbooks/gate-failed.md#a-gate-that-could-not-be-evaluated"
    }
    assert "A mart or column that is missing" in section("A gate that could not be evaluated")
    spoil(built.warehouse, "alter table fct_person_states rename rank to tier")
    assert judge_marts(built).outcome == "passed"
    audited(built)
