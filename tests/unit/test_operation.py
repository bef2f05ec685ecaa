"""What is usual is learnt from the nights on record, and what is far from it is told."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.publish_home import make_home
from unit.shop_home import ShopHome
from unit.test_lock import held

from orchestration.alerts.incidents import open_findings
from orchestration.build.state import Build, write_build
from orchestration.core.lock import Writer, read_writer, writer_lock
from orchestration.core.settings import Settings
from orchestration.monitoring.heartbeat import conclude_night
from orchestration.monitoring.nights import (
    KEPT_NIGHTS,
    Night,
    lost_per_day,
    read_nights,
    record_night,
    usual_seconds,
)
from orchestration.monitoring.operation import (
    SCOPE,
    Disk,
    disk_findings,
    minutes,
    observe_operation,
    slow_findings,
)
from orchestration.monitoring.watch import watch

NOW = datetime(2026, 3, 20, 3, tzinfo=UTC)
DAY = timedelta(days=1)
GB = 10**9
TABLES = {"t": {"files": "*.csv", "format": "csv", "columns": {"required": ["a"]}}}


class Shop(ShopHome):
    """A shop that owes nothing."""

    tables = TABLES


def nights(seconds: Sequence[float], *, in_full: bool = False) -> list[Night]:
    """Nights of these durations, the last of which ended just now, on a disk that does not fill."""
    return [
        Night(NOW - (len(seconds) - 1 - number) * DAY, taken, in_full, 100 * GB)
        for number, taken in enumerate(seconds)
    ]


def filling(free: Sequence[float]) -> list[Night]:
    """Nights that left so many GB."""
    return [replace(night, free=int(left * GB)) for night, left in zip(nights(free), free, strict=True)]


def put_on_record(settings: Settings, record: list[Night]) -> None:
    lines = [{**vars(night), "ended_at": night.ended_at.isoformat()} for night in record]
    settings.nights.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def writer(seconds: float) -> Writer:
    return Writer(4711, NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("before", "taken", "is_told"),
    [
        ([600, 600, 600], 1_801, True),
        ([600, 600, 600], 1_800, False),
        # One slow night is not what is usual, and neither is a fast one.
        ([600, 4_000, 600, 20, 600], 1_801, True),
        # A short history says nothing.
        ([600, 600], 100_000, False),
        ([], 100_000, False),
        # Nights of seconds vary.
        ([10, 10, 10], 70, False),
        ([10, 10, 10], 71, True),
        # What is usual changes: only the last fourteen nights count.
        ([60] * 30 + [600] * 14, 1_000, False),
    ],
)
def test_three_times_the_usual_time_is_told_while_it_runs_and_afterwards(
    before: list[float], taken: float, is_told: bool
) -> None:
    running = slow_findings(nights(before), writer(taken), NOW)
    ended = slow_findings(nights([*before, taken]), None, NOW)
    assert bool(running) is bool(ended) is is_told
    if is_told:
        assert running[0].key == ended[0].key and running[0].kind == "run_slow"
        assert "process 4711" in running[0].text.lower() and minutes(taken) in running[0].title
        assert f"Usually a run takes {minutes(usual_seconds(nights(before)) or 0)}." in ended[0].text


def test_a_build_in_full_takes_longer_and_does_not_count(tmp_path: Path) -> None:
    usual = nights([600] * 5)
    assert usual_seconds([*usual, *nights([9_000] * 5, in_full=True)]) == 600
    assert slow_findings([*usual, *nights([9_000], in_full=True)], None, NOW) == []
    assert slow_findings([*usual, *nights([9_000])], None, NOW)


@pytest.mark.parametrize(
    ("free", "days"),
    [
        ([100, 99, 98, 97], 97.0),
        ([100, 90, 80, 70, 60], 6.0),
        # Somebody copied 50 GB once; somebody cleaned up once.
        ([200, 199, 198, 148, 147, 146, 145], 145.0),
        ([30, 20, 80, 70, 60, 50, 40], 4.0),
        ([100, 100, 100, 100], None),
        ([97, 98, 99, 100], None),
        ([100, 50], None),
        ([], None),
    ],
)
def test_the_pace_of_the_disk_is_that_of_most_nights(free: list[float], days: float | None) -> None:
    record = filling(free)
    free = record[-1].free if record else GB
    disk = Disk(free, 500 * GB, free, lost_per_day(record, NOW))
    assert disk.days == (None if days is None else pytest.approx(days, rel=0.01))
    assert bool(disk_findings(disk, "/srv/aipl")) is (days is not None and days < 7)


def test_runs_of_one_morning_and_of_long_ago_do_not_set_the_pace() -> None:
    morning = [Night(NOW - timedelta(hours=hour), 60, False, (50 + 9 * hour) * GB) for hour in range(6)]
    assert lost_per_day(morning, NOW) is None
    old = [replace(night, ended_at=night.ended_at - 30 * DAY) for night in filling([100, 80, 60, 40])]
    assert lost_per_day(old, NOW) is None
    assert lost_per_day([*old, *filling([100, 99, 98, 97])], NOW) == pytest.approx(GB)


def test_a_disk_that_does_not_last_a_week_is_told_with_what_to_do() -> None:
    (finding,) = disk_findings(Disk(6 * GB, 100 * GB, 6 * GB, 2 * GB), "/srv/aipl")
    assert (finding.kind, finding.severity) == ("disk_low", "warning")
    assert finding.title == "the disk lasts 3.0 days: 6.0 GB left"
    assert "6.0 GB of 100 GB left, 2.0 GB less each day" in finding.text
    assert "`aipl status --disk`" in finding.text and "AIPL_KEEP_RELEASES" in finding.text


def test_a_night_is_on_record_with_its_time_and_what_it_left(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    assert read_nights(settings) == []
    record_night(settings, NOW)
    assert not settings.nights.exists(), "nobody knows when that began"
    for number in range(KEPT_NIGHTS + 2):
        with writer_lock(tmp_path):
            began = read_writer(tmp_path)
            assert began is not None and began.pid == os.getpid()
            record_night(settings, began.since + timedelta(seconds=100 + number))
    record = read_nights(settings)
    assert len(record) == KEPT_NIGHTS and [night.seconds for night in record[-2:]] == [200, 201]
    assert abs(record[-1].free - shutil.disk_usage(tmp_path).free) < 10 * GB and not record[-1].in_full
    # A damaged record is none, and begins again.
    for damage in ("[1]\n", "{}\n", "half a l", '{"ended_at": 1, "seconds": 2, "in_full": 0, "free": "x"}\n'):
        settings.nights.write_text(settings.nights.read_text() + damage)
        assert read_nights(settings) == []
        with writer_lock(tmp_path):
            record_night(settings, datetime.now(UTC))
        assert len(read_nights(settings)) == 1


def test_incidents_of_a_slow_run_and_of_the_disk_open_and_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_home(tmp_path)
    usage = namedtuple("Usage", "total used free")
    left = [60]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(500 * GB, 0, left[0] * GB))

    def kinds(now: datetime = NOW) -> list[str]:
        observe_operation(settings, now)
        return [finding.kind for finding in open_findings(settings, SCOPE)]

    assert kinds() == []
    put_on_record(settings, filling([100, 90, 80, 70, 60]))
    assert kinds() == ["disk_low"]
    left[0] = 90
    assert kinds() == []
    with held(tmp_path) as run:
        # The room that a build takes for a while is no pace: what the last night left counts.
        left[0] = 1
        put_on_record(settings, filling([100, 99, 98, 97]))
        began = read_writer(tmp_path)
        assert began is not None and began.pid == run.pid
        assert kinds(began.since + timedelta(seconds=90)) == []
        assert kinds(began.since + timedelta(seconds=400)) == ["run_slow"]
        write_build(settings, Build("building", "program", "1" * 64, in_full="SQL changed"))
        assert kinds(began.since + timedelta(seconds=400)) == []
    left[0] = 97
    assert kinds() == []


@pytest.mark.parametrize("look", [lambda settings: watch(settings, NOW), conclude_night])
def test_the_sensor_and_the_end_of_each_night_look_at_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Settings], None]
) -> None:
    shop = Shop(tmp_path, feed="static")
    shop.settings.home.mkdir()
    record = nights([600, 600, 600, 2_000])
    put_on_record(shop.settings, record)
    look(shop.settings)
    (found,) = open_findings(shop.settings, SCOPE)
    assert found.title == "the last run took 33 min"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3_599, "1 h 0 min"),
        (18_180, "5 h 3 min"),
        (1e6, "277 h 47 min"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds: float, said: str) -> None:
    assert minutes(seconds) == said
