"""The program as its users start it: whole commands, a home of their own, nights one after the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shlex import quote

import duckdb
import pytest
from commands import said, start
from odd_names import ODD_NAME
from waiting import wait_for

from orchestration.sample_shop import World, write_dumps

WORLD = World(seed=5, persons=120, days=30)
FIRST_NIGHTS = 24


@dataclass(frozen=True)
class Shop:
    """A home whose sample shop delivers day by day."""

    home: Path
    dumps: Path

    def deliver(self, first: int, last: int) -> None:
        """Put the dumps of these days (1 is the first load date) where the program looks for them."""
        place = self.home / "dumps" / "sample_shop"
        place.mkdir(parents=True, exist_ok=True)
        for day in range(first, last + 1):
            for dump in self.dumps.glob(f"*-{WORLD.start + timedelta(days=day)}.*"):
                shutil.copy(dump, place)

    def said(self, *arguments: str, code: int = 0) -> str:
        return said(self.home, *arguments, code=code)

    def current(self) -> Path:
        return (self.home / "published" / "current").resolve()

    def manifest(self) -> dict[str, object]:
        return json.loads((self.current() / "manifest.json").read_text())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("nightly")
    write_dumps(folder / "all", WORLD)
    return Shop(folder / ODD_NAME, folder / "all")


@pytest.fixture(scope="module")
def first_night(shop: Shop) -> str:
    shop.deliver(1, FIRST_NIGHTS)
    return shop.said("run")


def test_the_first_night_publishes_and_tells_and_a_second_one_changes_nothing(
    shop: Shop, first_night: str
) -> None:
    current = shop.current()
    assert first_night.splitlines()[-1] == f"To view it: `AIPL_HOME={quote(str(shop.home))} aipl dashboard`."
    for part in (f"Release: {current.name}", "lumen", "AIPL stock", "FAST of the last complete week"):
        assert part in first_night
    assert "\x1b[" not in first_night, "colours are for terminals"
    manifest = shop.manifest()
    assert manifest["horizon"]["lumen"] == str(WORLD.start + timedelta(days=FIRST_NIGHTS - 1))
    assert len(manifest["loads"]) == FIRST_NIGHTS
    assert "Nothing is new" in shop.said("run")
    assert shop.current() == current


def test_killed_in_publish_then_whole_again_and_readers_undisturbed(
    shop: Shop, first_night: str, tmp_path: Path
) -> None:
    old = shop.current()
    count = "select count(*) from fct_orders"
    with duckdb.connect(str(shop.home / "published" / "current" / "marts.duckdb"), read_only=True) as reader:
        orders_before = reader.execute(count).fetchall()

        shop.deliver(FIRST_NIGHTS + 1, WORLD.days)
        releases = shop.home / "published" / "releases"
        night = start(shop.home, "run", folder=tmp_path)
        wait_for(lambda: not night.is_alive() or any(releases.glob(".unfinished-*")))
        assert night.pid is not None
        os.killpg(night.pid, signal.SIGKILL)
        night.join()
        assert night.exitcode == -signal.SIGKILL
        assert shop.current() == old, "a killed publish moved the pointer"
        assert reader.execute(count).fetchall() == orders_before
        assert shop.said("query", count, "--format", "csv").split()[-1] == str(orders_before[0][0])

        shop.said("run")
        assert shop.current() != old
        assert not list(releases.glob(".unfinished-*"))
        assert reader.execute(count).fetchall() == orders_before, "an open reader was disturbed"
    with duckdb.connect(str(shop.current() / "marts.duckdb"), read_only=True) as reader:
        assert reader.execute(count).fetchall() > orders_before


def test_a_missing_column_refuses_its_load_and_says_so(shop: Shop, first_night: str) -> None:
    """Last, since the source is held back from here on."""
    day = WORLD.start + timedelta(days=WORLD.days + 1)
    place = shop.home / "dumps" / "sample_shop"
    (place / f"refunds-{day}.csv").write_text("refund_id,order_id,amount,currency,reason\nr,o,1,CNY,x\n")
    before = shop.current()
    told = shop.said("run", code=2)
    assert f"refunds-{day}.csv" in told and "refunded_at" in told
    assert shop.manifest()["stale_sources"]["sample_shop"]
    assert shop.current() != before, "what was accepted is still published, marked stale"
    assert "refunded_at" in shop.said("status")
