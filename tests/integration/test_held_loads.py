"""Loads that are held back are refused in the load manifest, so that nothing that is built holds them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import nights
import pytest
from nights import AtCall
from test_erasure_kills import SOURCES
from tiny_project import make_tiny

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import State
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.nightly import rebuild as rebuilding
from orchestration.nightly import run as running
from orchestration.nightly.erasing import erase as erasing
from orchestration.nightly.status import status_text
from orchestration.publish.holding import accept_load, hold_source
from orchestration.publish.release import read_current
from orchestration.publish.rollback import rollback

LENA, PAUL = "lena-4711", "paul-0815"
HELD_DAY = date(2024, 1, 3)
SECOND_DAY = {"east": 30, "west": 10}
BOTH_DAYS = {"east": 100, "west": 10}


class Shop:
    """A home with two published days, of which one source's second day is held; restored for each test."""

    def __init__(self, base: Path) -> None:
        self.home, self._copy, self.dumps = base / "home", base / "copy", base / "dumps"
        self.home.mkdir()
        self.dumps.mkdir()
        self.settings = make_tiny(self.home)
        self.settings.sources_file.write_text(SOURCES.format(dumps=self.dumps))
        self.deliver(2, f"o1,10,{LENA}\no2,20,{PAUL}\n")
        assert nights.night(self.home) == (0, "")
        self.deliver(3, f"o3,30,{PAUL}\no4,40,{LENA}\n")
        code, _ = nights.night(self.home, AtCall("nights:publish"))
        assert code == -signal.SIGKILL
        self.told = hold_source(self.settings, "east")
        assert nights.night(self.home) == (0, "")
        shutil.copytree(self.home, self._copy, symlinks=True)

    def deliver(self, day: int, content: str) -> None:
        (self.dumps / f"orders-2024-01-0{day}.csv").write_text(f"order_id,amount,buyer\n{content}")
        (self.dumps / f"west-2024-01-0{day}.csv").write_text("order_id,amount\nw1,5\n")

    def restore(self) -> None:
        shutil.rmtree(self.home)
        shutil.copytree(self._copy, self.home, symlinks=True)

    def money(self) -> dict[str, int]:
        database = self.settings.published / "current" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            return dict(connection.execute("select brand_id, money from dim_brand").fetchall())

    def states(self) -> dict[date, State]:
        loads = read_arrival(self.settings, {}).of("east").loads
        return {load.load_date: load.state for load in loads}

    def do(self, what: Callable[[Settings], object]) -> None:
        """Do it in a process of its own, as a command is."""
        code, said = nights.end(nights.begin(self.home, run=what), self.home)
        assert code == 0, said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("held"))


@pytest.fixture
def shop(made: Shop) -> Shop:
    made.restore()
    return made


def rebuild(settings: Settings) -> int:
    running.run_nightly = nights.build_and_publish
    # The nights have none of the marts that it shows.
    running.release_summary = lambda *_: ""
    return rebuilding.rebuild(settings, sys.stderr.write)


def erase(settings: Settings) -> int:
    erasing.run_nightly = nights.build_and_publish
    order = erasing.order_erasure(settings, [f"east:m:{LENA}"], only_these=True)
    return erasing.erase(settings, order, sys.stderr.write)


def back_and_forth(settings: Settings) -> None:
    """Back to the release before, and to the one that lacks the held load again."""
    last = read_current(settings)
    assert last
    rollback(settings)
    rollback(settings, last.release_id)


def rotate(settings: Settings) -> None:
    os.environ["AIPL_PERSON_KEY"] = "another person key, long enough!"
    nights.steps(settings)


@pytest.mark.parametrize(
    ("what", "east"),
    [(nights.steps, 30), (rebuild, 30), (erase, 20), (back_and_forth, 30), (rotate, 30)],
)
def test_a_held_load_stays_out_whatever_is_done(
    shop: Shop, what: Callable[[Settings], object], east: int
) -> None:
    assert shop.money() == SECOND_DAY
    shop.do(what)
    assert shop.money() == {**SECOND_DAY, "east": east}
    assert shop.states() == {date(2024, 1, 2): State.ACCEPTED, HELD_DAY: State.REFUSED}
    accept_load(shop.settings, "east", HELD_DAY, "seen with the shop")
    shop.do(rotate if what is rotate else nights.steps)
    assert shop.money() == {**BOTH_DAYS, "east": BOTH_DAYS["east"] if east == 30 else 50}


def test_what_is_held_is_told_with_its_age_and_comes_back_delivered_again(shop: Shop) -> None:
    assert shop.told.startswith("Held back: 1 load of east, 2024-01-03.")
    now = datetime.now(UTC)
    assert "east 2024-01-03: refused today: held back: by " in status_text(shop.settings, now)
    later = status_text(shop.settings, now + timedelta(days=3))
    assert "east 2024-01-03: refused 3 days ago: held back: by " in later
    with pytest.raises(InputError, match="Nothing to hold back"):
        hold_source(shop.settings, "west")
    # The next day waits for it.
    shop.deliver(4, f"o5,50,{PAUL}\n")
    assert nights.night(shop.home) == (0, "")
    assert shop.money() == {"east": 30, "west": 15}
    assert "east 2024-01-04: held back" in status_text(shop.settings, now)
    shop.deliver(3, f"o3,31,{PAUL}\no4,40,{LENA}\n")
    assert nights.night(shop.home) == (0, "")
    assert shop.money() == {"east": 151, "west": 15}
    assert "Loads: all accepted" in status_text(shop.settings, now)


def test_only_a_refused_load_is_accepted_on_somebodys_word(shop: Shop) -> None:
    with pytest.raises(InputError, match="No refused load of east is of 2024-01-02"):
        accept_load(shop.settings, "east", date(2024, 1, 2), "please")
    accept_load(shop.settings, "east", HELD_DAY, "seen with the shop")
    assert "east 2024-01-03: accepted today: by " in status_text(shop.settings)
    assert status_text(shop.settings).count("seen with the shop") == 1
    hold = partial(hold_source, shop.settings, "east")
    assert hold() == shop.told
    with pytest.raises(InputError, match="Nothing to hold back"):
        hold()
