"""Loads that are held back are refused in the load manifest, so that nothing that is built holds them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import nights
import pytest
from nights import TODAY, AtCall, stand_in_for_dbt
from oracle.ledger import Published
from oracle.rules import Preset, Rule
from oracle.stages import FOREVER, days_between
from test_erasure_kills import SOURCES
from tiny_project import make_tiny
from unit.aipl_marts import MARTS, fill, marts_of

from orchestration.arrival.configured import configured_sources, read_arrival
from orchestration.arrival.file_versions import State
from orchestration.arrival.pending import Request
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.nightly import rebuild as rebuilding
from orchestration.nightly import replay as replaying
from orchestration.nightly import run as running
from orchestration.nightly.erasing import erase as erasing
from orchestration.nightly.status import status_text
from orchestration.publish import release_files
from orchestration.publish.holding import accept_load, hold_source
from orchestration.publish.release import read_current
from orchestration.publish.rollback import rollback

LENA, PAUL = "lena-4711", "paul-0815"
HELD_DAY = date(2024, 1, 3)
SECOND_DAY = {"east": 30, "west": 10}
PRESET = Preset({"O": 0, "A": 1}, (Rule("A", "touch", "paid_order", 400),))
DAYS = [date(2024, 1, day) for day in range(1, 5)]


class Shop:
    """A home with two published days, of which one source's second day is held; restored for each test."""

    def __init__(self, base: Path) -> None:
        self.home, self._copy, self.dumps = base / "home", base / "copy", base / "home" / "dumps"
        self.dumps.mkdir(parents=True)
        self.settings = make_tiny(self.home)
        self.settings.sources_file.write_text(SOURCES.format(dumps=self.dumps))
        # Each day has a record that cannot be read.
        self.deliver(2, f"o1,10,{LENA}\no2,20,{PAUL}\no5,{PAUL}\n")
        self.do(night)
        self.deliver(3, f"o3,30,{PAUL}\no4,40,{LENA}\no6,{PAUL}\n")
        code, _ = nights.end(nights.begin(self.home, AtCall("nights:publish"), run=night), self.home)
        assert code == -signal.SIGKILL
        self.told = hold_source(self.settings, "east")
        self.do(night)
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

    def ledger(self) -> Counter[tuple[date, str]]:
        """Published days of persons that were told otherwise later, by the first of these days and reason."""
        database = self.settings.published / "current" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            entries = connection.execute("select valid_from, reason from fct_aipl_ledger").fetchall()
        return Counter(entries)

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


def tell_stages() -> None:
    """Have nights build stages too: who orders is in one from the day before the load."""
    nights.stand_in_for_dbt = with_stages
    release_files.read_contracts = lambda _: MARTS


def night(settings: Settings) -> None:
    tell_stages()
    nights.steps(settings)


def with_stages(settings: Settings, is_full: bool) -> None:
    stand_in_for_dbt(settings, is_full)
    with duckdb.connect(str(settings.warehouse)) as connection:
        horizons = dict(connection.execute("select brand_id, horizon from marts.dim_brand").fetchall())
        orders = connection.execute(
            "select source_id, source_id || ':o:' || order_id, min(_load_date) - 1 from marts.fct_lines"
            " group by all"
        ).fetchall()
        told = Published(
            "told",
            {"consumer_asset": PRESET},
            horizons,
            {
                ("consumer_asset", brand, person): dict.fromkeys(days_between(day, horizons[brand]), "A")
                for brand, person, day in orders
            },
            {(brand, person, "paid_order", day): (None, FOREVER) for brand, person, day in orders},
            keys=frozenset((person, person, day) for _, person, day in orders),
        )
        marts = marts_of(told, DAYS[0])
        del marts["dim_brand"]
        fill(connection, "marts", marts)
        connection.execute(f"alter table marts.dim_brand add column first_day date default '{DAYS[0]}'")


def rebuild(settings: Settings) -> int:
    tell_stages()
    running.run_nightly = nights.build_and_publish
    # The nights have none of the marts that it shows.
    running.release_summary = lambda *_: ""
    return rebuilding.rebuild(settings, sys.stderr.write)


def erase(settings: Settings) -> int:
    tell_stages()
    erasing.run_nightly = nights.build_and_publish
    order = erasing.order_erasure(settings, [f"east:m:{LENA}"], only_these=True)
    return erasing.erase(settings, order, sys.stderr.write)


def replay(settings: Settings) -> int:
    """A record of the second is corrected; that of the held load, of which nothing came anew, is not."""

    def run(settings: Settings, request: Request, _: object) -> int:
        for source_id, source in configured_sources(settings).items():
            nights.arrival.receive(settings, source, DAYS, None, TODAY, only=request.files_of(source_id))
        nights.build_and_publish(settings)
        return 0

    tell_stages()
    replaying.run_new = run
    dump = Path(configured_sources(settings)["east"].dumps or "") / "orders-2024-01-02.csv"
    dump.write_text(dump.read_text().replace("o5,", "o5,7,"))
    return replaying.replay(settings, "east", None, None, sys.stderr.write)


def back_and_forth(settings: Settings) -> None:
    """Back to the release before, and to the one that lacks the held load again."""
    last = read_current(settings)
    assert last
    rollback(settings)
    rollback(settings, last.release_id)


def rotate(settings: Settings) -> None:
    os.environ["AIPL_PERSON_KEY"] = "another person key, long enough!"
    night(settings)


# Days that the orders of a load tell of, and the reason that the ledger has for them.
HELD_ORDER, EARLIER_ORDER = (DAYS[1], "late"), (DAYS[0], "late")


@pytest.mark.parametrize(
    ("what", "east", "ledger", "let_in", "later"),
    [
        (night, 30, [], 70, [HELD_ORDER] * 2),
        (rebuild, 30, [], 70, [HELD_ORDER] * 2),
        (erase, 20, [(DAYS[0], "correction")], 30, [HELD_ORDER]),
        (replay, 37, [EARLIER_ORDER], 70, [HELD_ORDER] * 2),
        (back_and_forth, 30, [], 70, [HELD_ORDER] * 2),
        # Persons of one key are not compared with those of another.
        (rotate, 30, [], 70, [HELD_ORDER] * 2),
    ],
)
def test_a_held_load_stays_out_whatever_is_done(
    shop: Shop,
    what: Callable[[Settings], object],
    *,
    east: int,
    ledger: list[tuple[date, str]],
    let_in: int,
    later: list[tuple[date, str]],
) -> None:
    assert shop.money() == SECOND_DAY and not shop.ledger()
    shop.do(what)
    assert shop.money() == {**SECOND_DAY, "east": east}
    assert shop.states() == {date(2024, 1, 2): State.ACCEPTED, HELD_DAY: State.REFUSED}
    assert shop.ledger() == Counter(ledger), "what is held restates nothing"
    accept_load(shop.settings, "east", HELD_DAY, "seen with the shop")
    shop.do(rotate if what is rotate else night)
    assert shop.money() == {**SECOND_DAY, "east": east + let_in}
    assert shop.ledger() == Counter([*ledger, *later]), "what was let in restates the published days"


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
    shop.do(night)
    assert shop.money() == {"east": 30, "west": 15}
    assert "east 2024-01-04: held back" in status_text(shop.settings, now)
    shop.deliver(3, f"o3,31,{PAUL}\no4,40,{LENA}\n")
    shop.do(night)
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
