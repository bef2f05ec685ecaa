"""What takes the disk after many nights: what the retention page says, and no more."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from unit.publish_home import NOON, make_home, publish_build
from unit.shop_home import ShopHome

from orchestration.arrival.loads import decide_loads, promote
from orchestration.arrival.retention import KEPT_REPORTS, tidy
from orchestration.build.dbt import KEPT_TARGETS, run_target
from orchestration.core.errors import InputError
from orchestration.core.printable import sized
from orchestration.core.settings import Settings, _Below
from orchestration.nightly import job
from orchestration.nightly.disk import Used, disk_text, places, used
from orchestration.nightly.job import KEPT_LOGS, new_log

FIRST = datetime(2024, 9, 1, 3, tzinfo=NOON.tzinfo)
NIGHTS = 60
PAGE = 50_000
TABLES = {"t": {"files": "t-{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}}}


class Shop(ShopHome):
    """A daily shop whose dump of a night is of one size, with a row that cannot be read."""

    tables = TABLES

    def night(self, number: int) -> None:
        """Deliver, load and tidy as a run does on that night, with what its steps write besides."""
        now = FIRST + timedelta(days=number)
        rows = "".join(f"{number}-{row}\n" for row in range(2_000))
        self.write(f"t-{now.date()}.csv", f"a\n{rows}x,y\n")
        decide_loads(self.settings, "shop", dict.fromkeys(self.pull(today=now.date()).load_dates))
        promote(self.settings, self.arrival)
        report = self.settings.reports / "marts" / f"{now:%Y%m%dT%H%M%SZ}-marts.html"
        target = run_target(self.settings, f"run-{number}")
        for path in (report, new_log(self.settings), target / "manifest.json"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * PAGE)
        for path in self.settings.home.rglob("*"):
            # What this night wrote is as old as the night.
            if path.is_file() and path.stat().st_mtime > now.timestamp():
                os.utime(path, (now.timestamp(), now.timestamp()))
        tidy(self.settings, self.arrival, now)


def sizes(settings: Settings) -> dict[str, Used]:
    return {place.what: used(place.path) for place in places(settings)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that logs are named by."""
    now = [FIRST]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            now[0] += timedelta(days=1)
            return now[0]

    monkeypatch.setattr(job, "datetime", Clock)
    return now


def test_sixty_nights_take_what_retention_says(tmp_path: Path, clock: list[datetime]) -> None:
    kept = 20
    shop = Shop(
        tmp_path,
        covers="same_day",
        starts_on=str(FIRST.date()),
        max_unreadable_share=1,
        retention={"landing_days": kept, "rejects_days": 10},
    )
    after = []
    for number in range(NIGHTS):
        shop.night(number)
        after.append(sizes(shop.settings))
    half, end = after[NIGHTS // 2 - 1], after[-1]
    # Bounded: as much after sixty nights as after thirty.
    assert end["landing"].files == half["landing"].files == kept + 1
    assert end["landing"].size == half["landing"].size
    assert end["logs"].files == half["logs"].files == KEPT_LOGS
    assert end["dbt targets"].files == half["dbt targets"].files == KEPT_TARGETS
    # Growing with the nights, as said: what is in effect, its rejected rows, a year of reports, the manifest.
    assert end["raw"].size == pytest.approx(2 * half["raw"].size, rel=0.05)
    assert end["gate reports"].files == 2 * half["gate reports"].files == NIGHTS
    assert end["rejects"].files == 2 * half["rejects"].files == NIGHTS
    assert end["load manifest"].size < 4 * half["load manifest"].size
    assert end["arrivals"].files == 0
    # A year later nothing of those reports is left.
    tidy(shop.settings, shop.arrival, FIRST + KEPT_REPORTS + timedelta(days=NIGHTS))
    assert sizes(shop.settings)["gate reports"].files == 0


def test_releases_take_as_much_as_those_that_are_kept(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    settings = type(settings)(settings.home, settings.sources_file, kept_releases=4)
    found = []
    for number in range(1, 13):
        publish_build(settings, number, hours=24 * number)
        found.append(used(settings.published))
    assert found[11].files == found[5].files > found[2].files
    assert found[11].size < 1.3 * found[5].size


def test_the_table_names_every_place_and_adds_up(tmp_path: Path) -> None:
    shop = Shop(tmp_path, starts_on="2024-09-01", max_unreadable_share=1, retention={"landing_days": 20})
    with pytest.raises(InputError, match="There is no home at"):
        disk_text(shop.settings)
    (shop.settings.home / "manual").mkdir(parents=True)
    (shop.settings.home / "manual" / "targets.csv").write_bytes(b"x" * 100_000)
    shop.write("t-2024-09-02.csv", "a\n1\n")
    shop.pull(today=date(2024, 9, 3))
    (shop.settings.home / "elsewhere").symlink_to("/")
    text = disk_text(shop.settings)
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert "shop 20 days" in lines["landing"] and "as long as it is in effect" in lines["raw"]
    assert "the newest 30" in lines["releases"]
    manual = used(shop.settings.home / "manual")
    assert manual.size >= 100_000 and sized(manual.size) in lines["other files in the home"]
    total = used(shop.settings.home)
    assert lines["the home"].split()[-1] == str(total.files)
    assert f"Disk of {shop.settings.home}: " in text


def test_no_place_that_the_settings_name_is_left_out(tmp_path: Path) -> None:
    settings = Shop(tmp_path).settings
    told = [place.path for place in places(settings)]
    named = [getattr(settings, name) for name, kind in vars(Settings).items() if isinstance(kind, _Below)]
    left_out = [path for path in named if not any(path.is_relative_to(place) for place in told)]
    assert left_out == [settings.person_key_file]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (999_600, "1.0 MB"),
        (4_100_000_000, "4.1 GB"),
        (5e15, "5,000 TB"),
    ],
)
def test_a_size_is_said_in_three_digits(count: float, said: str) -> None:
    assert sized(count) == said
