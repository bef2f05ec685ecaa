"""An erasure that is killed anywhere is finished by the same command, and publishes nothing of the person."""

import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import nights
import pytest
from contents import all_contents
from nights import AtChange, CountChanges, Fault, picture
from postgres_server import Server, of_postgres, of_release
from tiny_project import make_tiny

from orchestration.core.settings import Settings
from orchestration.nightly.erasing import erase as erasing
from orchestration.nightly.erasing.erase import NotErased, erase, order_erasure
from orchestration.nightly.status import status_text
from orchestration.publish.mirror import mirror
from orchestration.quality import mart_gate as gate

KILLED = -signal.SIGKILL
LENA, PAUL = "lena-4711", "paul-0815"
ORDER = "O-2024-0001"
KEY = f"east:m:{LENA}"
STRIDE = 31
SOURCES = """
sources:
  east:
    dumps: {dumps}
    feed: daily
    currency: CNY
    starts_on: 2024-01-01
    max_unreadable_share: 1
    tables:
      orders:
        files: orders-{{load_date}}.csv
        format: csv
        columns: {{required: [order_id, amount, buyer]}}
        identifiers: {{member: [buyer], order: [order_id]}}
  west:
    dumps: {dumps}
    feed: daily
    currency: EUR
    starts_on: 2024-01-01
    tables:
      orders:
        files: west-{{load_date}}.csv
        format: csv
        columns: {{required: [order_id, amount]}}
"""


def erasure(home: Path, fault: Fault | None = None) -> tuple[int, str]:
    """Run `aipl erase` in a process of its own; returns the exit code and what it said."""
    return nights.end(nights.begin(home, fault, run=_erase), home)


def _erase(settings: Settings) -> int:
    erasing.run_nightly = nights.build_and_publish
    return erase(settings, order_erasure(settings, [KEY], only_these=True), sys.stderr.write)


class Shop:
    """A home with two published nights and traces of a person, restored from a copy for each fault."""

    def __init__(self, base: Path) -> None:
        self.home, self._copy, self.dumps = base / "home", base / "copy", base / "dumps"
        self.home.mkdir()
        self.dumps.mkdir()
        self.settings = make_tiny(self.home)
        self.settings.sources_file.write_text(SOURCES.format(dumps=self.dumps))
        for day, content in {
            2: f"{ORDER},10,{LENA}\no2,20,{PAUL}\n",
            3: f"o3,30,{PAUL}\no4,40,{LENA}\nbroken,{LENA}\n",
        }.items():
            (self.dumps / f"orders-2024-01-0{day}.csv").write_text(f"order_id,amount,buyer\n{content}")
            (self.dumps / f"west-2024-01-0{day}.csv").write_text("order_id,amount\nw1,5\n")
            assert nights.night(self.home) == (0, "")
        (self.home / "logs").mkdir(exist_ok=True)
        (self.home / "logs" / "run-1.log").write_text(
            f"order {ORDER} of {LENA} is odd, that of {LENA}x is not\n"
        )
        (self.home / "reports" / "page.html").write_text(f"<td>{LENA}</td>")
        with sqlite3.connect(self.home / "dagster.db") as connection:
            connection.execute("create table logs (id integer primary key, event text)")
            connection.execute("insert into logs (event) values (?), (?)", (f'{{"who": "{LENA}"}}', "else"))
        shutil.copytree(self.home, self._copy, symlinks=True)
        assert LENA in all_contents(self.home)
        code, said = erasure(self.home, CountChanges())
        assert code == 0, said
        self.said, self.changes = said, int(self.home.with_name("changes").read_text())
        self.undisturbed = picture(self.settings)

    def restore(self) -> None:
        shutil.rmtree(self.home)
        shutil.copytree(self._copy, self.home, symlinks=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("erasure"))


def test_nothing_is_left_of_the_person_and_all_of_others(shop: Shop) -> None:
    text = all_contents(shop.home)
    assert ORDER not in text
    assert LENA not in text.replace(f"{LENA}x", "") and f"that of {LENA}x is not" in text
    release = shop.undisturbed["release"]["dim_brand"]
    assert {(brand, money, lines) for brand, _, money, lines in release} == {("east", 50, 2), ("west", 10, 2)}
    assert [path.name for path in (shop.home / "published" / "releases").iterdir()] == [
        (shop.home / "published" / "current").resolve().name
    ]
    with sqlite3.connect(shop.home / "dagster.db") as connection:
        assert connection.execute("select event from logs").fetchall() == [('{"who": "erased"}',), ("else",)]
    assert "Removed: 2 releases" in shop.said and "the person is named in 0" in shop.said
    assert LENA not in shop.said and f"the source's own dumps: {shop.dumps}" in shop.said

    for dump in shop.dumps.iterdir():
        dump.write_text(dump.read_text())
    assert nights.night(shop.home) == (0, "")
    assert picture(shop.settings) == shop.undisturbed, "a night after it brings nobody back"
    assert LENA not in all_contents(shop.home).replace(f"{LENA}x", "")


def test_a_killed_erasure_is_told_and_finished_by_the_same_command(shop: Shop) -> None:
    assert shop.changes > 100
    unfinished = 0
    for number in range(1, shop.changes + 1, STRIDE):
        shop.restore()
        code, _ = erasure(shop.home, AtChange(number))
        assert code == KILLED, number
        unfinished += "Erasure: unfinished" in status_text(shop.settings)
        code, said = erasure(shop.home)
        assert code == 0, (number, said)
        assert LENA not in all_contents(shop.home).replace(f"{LENA}x", ""), number
        assert ORDER not in all_contents(shop.home), number
        assert picture(shop.settings) == shop.undisturbed, number
        assert "Erasure: unfinished" not in status_text(shop.settings)
    assert unfinished > 2


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_a_night_between_a_kill_and_its_cure_does_no_harm(shop: Shop, share: float) -> None:
    shop.restore()
    assert erasure(shop.home, AtChange(int(shop.changes * share)))[0] == KILLED
    assert nights.night(shop.home) == (0, "")
    assert erasure(shop.home)[0] == 0
    assert picture(shop.settings) == shop.undisturbed
    assert LENA not in all_contents(shop.home).replace(f"{LENA}x", "")


def test_another_erasure_waits_for_the_unfinished_one(shop: Shop) -> None:
    shop.restore()
    assert erasure(shop.home, AtChange(shop.changes // 2))[0] == KILLED
    with pytest.raises(Exception, match="An erasure of other keys is unfinished"):
        order_erasure(shop.settings, ["east:m:paul-0815"], only_these=True)
    assert {key.text for key in order_erasure(shop.settings, [], only_these=False).keys} == {KEY}


def test_an_erasure_ends_only_when_the_mirror_holds_nobody_either(
    shop: Shop, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.restore()
    address = postgres.new_database()
    monkeypatch.setenv("AIPL_MIRROR_URL", address)
    mirror(shop.settings)
    before = of_postgres(address)
    assert before == of_release((shop.home / "published" / "current").resolve())
    monkeypatch.setattr(gate, "run_marts", nights.content_gate)
    monkeypatch.setattr(erasing, "run_nightly", nights.build_and_publish)

    def again() -> int:
        return erase(shop.settings, order_erasure(shop.settings, [KEY], only_these=True), said.append)

    said: list[str] = []
    monkeypatch.setenv("AIPL_MIRROR_URL", "postgresql://warehouse:a-secret@127.0.0.1:1/nowhere")
    for _ in range(2):
        with pytest.raises(NotErased, match="still in the mirror"):
            again()
        assert "Erasure: unfinished" in status_text(shop.settings)
        assert of_postgres(address) == before
    monkeypatch.setenv("AIPL_MIRROR_URL", address)
    assert again() == 0
    assert of_postgres(address) == of_release((shop.home / "published" / "current").resolve()) != before
    assert "the disk of the mirror's server" in "".join(said)
