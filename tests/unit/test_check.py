"""`aipl check`: one line and an exit code, from a home that it does not touch."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.alert_service import finding
from unit.publish_home import NOON, let_through, make_home
from unit.test_lock import held

from orchestration.alerts.incidents import observe
from orchestration.arrival.manifest import LoadManifest
from orchestration.cli import aipl
from orchestration.core.lock import read_writer
from orchestration.core.settings import Settings
from orchestration.monitoring.operation import Disk
from orchestration.nightly.check import Limits, check, of_disk
from orchestration.publish.release import publish
from orchestration.publish.releases import read_current

GB = 10**9
NOW = NOON + timedelta(hours=5, minutes=3)
SOURCES = """
schedule: {timezone: UTC}
sources:
  shop:
    dumps: /nowhere
    feed: daily
    currency: CNY
    starts_on: STARTS_ON
    tables: {orders: {files: 'orders-{load_date}.csv', format: csv, columns: {required: [a]}}}
  guest:
    dumps: /nowhere/else
    optional: true
    feed: daily
    currency: CNY
    starts_on: 2024-01-01
    tables: {orders: {files: 'orders-{load_date}.csv', format: csv, columns: {required: [a]}}}
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with a release of noon, the feed of which ended in time."""
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings, NOON)
    with LoadManifest(settings.manifest):
        pass
    declare(settings, "2024-01-02\n    ends_on: 2024-01-02\n    covers: same_day")
    monkeypatch.setenv("AIPL_HOME", str(settings.home))
    monkeypatch.setenv("AIPL_SOURCES", str(settings.sources_file))
    return settings


def declare(settings: Settings, starts_on: str) -> None:
    settings.sources_file.write_text(SOURCES.replace("STARTS_ON", starts_on))


def state(home: Path) -> dict[str, tuple[int, int, int]]:
    """Every file of a home, with its size and the times of its last change."""
    found = {path: path.lstat() for path in home.rglob("*")}
    return {str(path): (s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in found.items()}


@pytest.fixture
def untouched(settings: Settings) -> Iterator[None]:
    """What a check must leave as it was."""
    for path in settings.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(stat.S_IRUSR)
    before = state(settings.home)
    yield
    assert state(settings.home) == before


def test_all_is_well_in_one_line_with_figures(settings: Settings, untouched: None) -> None:
    code, line = check(Limits(), NOW)
    told, _, figures = line.partition(" | ")
    assert code == 0, line
    current = read_current(settings)
    assert current is not None
    assert told.startswith(f"OK - release {current.release_id} is 5 h 3 min old and as fresh as promised; ")
    assert "no critical incident; disk: " in told and told.endswith("no run is active")
    assert figures.split()[0] == "release_age=18180s;;;0" and figures.split()[-1] == "run=0s;;;0"


@pytest.mark.parametrize(("hours", "code"), [(6, 0), (5, 2)])
def test_an_age_that_is_asked_for_needs_no_sources_file(
    settings: Settings,
    untouched: None,
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    code: int,
) -> None:
    monkeypatch.setenv("AIPL_SOURCES", "/nowhere/sources.yml")
    found, line = check(Limits(age_hours=hours), NOW)
    assert found == code, line
    assert f"release_age=18180s;;{hours * 3600};0" in line
    assert ("is 5 h 3 min old, more than 5 h 0 min" in line) is (code == 2)
    # Without one it cannot tell what was promised.
    found, line = check(Limits(), NOW)
    assert found == 3 and line.startswith("UNKNOWN - ") and "/nowhere/sources.yml" in line


def test_a_release_that_lacks_what_was_promised_is_critical(settings: Settings) -> None:
    declare(settings, "2024-01-01")
    code, line = check(Limits(), NOW)
    assert code == 2
    assert line.startswith("CRITICAL - release ") and "not fresh: shop: the marts are not fresh" in line
    # An optional source that the release never had is not missed.
    assert "guest" not in line


def test_what_was_retired_is_not_missed(settings: Settings) -> None:
    declare(settings, "2020-01-01\n    ends_on: 2024-01-02\n    covers: same_day")
    assert check(Limits(), NOW)[0] == 2
    with sqlite3.connect(settings.manifest) as loads:
        loads.execute("insert into retired_before values ('shop', '2024-01-02')")
    assert check(Limits(), NOW)[0] == 0


def test_open_critical_incidents_are_critical_and_warnings_are_counted(settings: Settings) -> None:
    observe(settings, "gate/marts", [finding("stock", severity="warning")], NOW)
    code, line = check(Limits(), NOW)
    assert code == 0 and "critical_incidents=0;;0;0 warning_incidents=1" in line
    observe(settings, "run", [finding(f"step-{n} | 1\n2") for n in range(5)], NOW)
    settings.alerts.chmod(stat.S_IRUSR)
    before = state(settings.home)
    code, line = check(Limits(), NOW)
    assert code == 2 and line.startswith("CRITICAL - 5 open critical incidents: step-0 / 1 2 is off, ")
    assert "and 2 more" in line and "\n" not in line and line.count("|") == 1
    assert state(settings.home) == before
    observe(settings, "run", [], NOW)
    assert check(Limits(), NOW)[0] == 0


def test_no_release_or_a_damaged_one_is_critical(settings: Settings) -> None:
    current = read_current(settings)
    assert current is not None
    manifest = current.folder / "manifest.json"
    manifest.chmod(0o600)
    manifest.write_text("half a manif")
    code, line = check(Limits(), NOW)
    assert code == 2 and "The current release is damaged" in line
    (settings.published / "current").unlink()
    code, line = check(Limits(), NOW)
    assert code == 2 and "no release: No release is current" in line


@pytest.mark.parametrize(
    ("free", "lost", "code"),
    [
        (100 * GB, None, 0),
        (100 * GB, 14 * GB, 0),
        (100 * GB, 15 * GB, 1),
        (100 * GB, 101 * GB, 2),
        (100 * GB, -5 * GB, 0),
        (1 * GB, None, 0),
        (GB - 1, None, 2),
    ],
)
def test_a_disk_is_judged_by_its_pace_and_by_what_is_left(free: int, lost: float | None, code: int) -> None:
    found = of_disk(Disk(free, 500 * GB, free, lost), Limits())
    assert found.code == code
    assert found.figure == f"disk_free={free}B;;1000000000:;0;500000000000"


def test_room_that_a_run_takes_is_no_pace_and_a_disk_that_it_fills_is_critical() -> None:
    between = 100 * GB
    assert of_disk(Disk(20 * GB, 500 * GB, between, 10 * GB), Limits()).code == 0
    assert of_disk(Disk(GB - 1, 500 * GB, between, 10 * GB), Limits()).code == 2


def test_a_run_that_hangs_is_told_also_when_its_process_is_gone(settings: Settings) -> None:
    ended = datetime(2024, 1, 20, tzinfo=UTC)
    nights = [
        {"ended_at": str(ended + timedelta(days=n)), "seconds": 600, "in_full": False, "free": 500 * GB}
        for n in range(5)
    ]
    settings.nights.write_text("".join(f"{json.dumps(night)}\n" for night in nights))
    with held(settings.home) as run:
        writer = read_writer(settings.home)
        assert writer is not None and writer.pid == run.pid
        answers = {
            minute: check(Limits(age_hours=1e9), writer.since + timedelta(minutes=minute))
            for minute in (5, 31, 361)
        }
        run.kill()
        run.wait()
        # What a killed one leaves looks the same from another machine, and is as wrong.
        again = check(Limits(age_hours=1e9), writer.since + timedelta(minutes=31))
        # The disk has other bytes free each time.
        assert again[0] == answers[31][0]
        assert again[1].partition("; disk: ")[0] == answers[31][1].partition("; disk: ")[0]
    assert [code for code, _ in answers.values()] == [0, 1, 2]
    assert f"process {run.pid} has held the home for 5 min" in answers[5][1]
    assert answers[31][1].startswith(
        f"WARNING - process {run.pid} has held the home for 31 min, more than 30 min"
    )
    assert answers[361][1].startswith("CRITICAL - process ") and "more than 6 h 0 min" in answers[361][1]
    assert "run=1860s;1800;21600;0" in answers[31][1]


def test_what_cannot_be_read_is_unknown_and_nothing_is_made(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.alerts.write_bytes(b"no database, but as long as one " * 20)
    code, line = check(Limits(), NOW)
    assert code == 3 and line.startswith("UNKNOWN - DatabaseError: ")
    monkeypatch.setenv("AIPL_HOME", str(tmp_path / "gone"))
    assert check(Limits())[1] == (
        f"UNKNOWN - There is no home at {tmp_path / 'gone'}. Set AIPL_HOME to the folder of the home."
    )
    assert not (tmp_path / "gone").exists()
    monkeypatch.setenv("AIPL_HOME", "/srv/#1")
    assert check(Limits())[0] == 3


def test_the_command_exits_with_the_code(
    settings: Settings, untouched: None, capsys: pytest.CaptureFixture[str]
) -> None:
    # The release is some years old by now.
    assert aipl.main(["check", "--max-age", "24"], standalone_mode=False) == 2
    said = capsys.readouterr().out
    assert said.startswith("CRITICAL - release ") and said.count("\n") == 1
    assert aipl.main(["check", "--max-age", "1e9", "--min-free", "0"], standalone_mode=False) == 0
