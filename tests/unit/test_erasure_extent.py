"""An erasure says what it takes, and refuses to take far more than one person has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from unit.shop_home import ShopHome
from unit.test_lock import held

from orchestration.arrival.loads import decide_loads, promote
from orchestration.build.state import Build, warehouse_mark, write_build
from orchestration.cli import aipl
from orchestration.core.database import connect
from orchestration.core.errors import InputError
from orchestration.core.lock import ui_lock
from orchestration.nightly.erasing import erase as erasing
from orchestration.nightly.erasing.erase import order_erasure
from orchestration.nightly.erasing.extent import MOST, Extent, extent_of, require_expected

LENA = "shop:m:lena"
TABLES = {
    "orders": {
        "files": "orders-{load_date}.csv",
        "format": "csv",
        "columns": {"required": ["order_id", "buyer"]},
        "identifiers": {"member": ["buyer"], "order": ["order_id"]},
    },
    "lines": {
        "files": "lines-{load_date}.csv",
        "format": "csv",
        "columns": {"required": ["order_id"]},
        "identifiers": {"order": ["order_id"]},
    },
}


class Shop(ShopHome):
    """A shop whose links make Lena one person with the members that a test says."""

    tables = TABLES

    def __init__(self, home: Path, others: int, visitors: int = 2) -> None:
        super().__init__(home, starts_on="2024-09-29")
        members = ["lena", *(f"member-{number:02}" for number in range(others))]
        rows = "".join(f"o{number},{member}\n" for number, member in enumerate([*members, "paul"]))
        self.write("orders-2024-09-29.csv", f"order_id,buyer\n{rows}")
        # What names the order alone is the person's too.
        self.write("lines-2024-09-29.csv", "order_id\no0\no0\n" + f"o{len(members)}\n")
        decide_loads(self.settings, "shop", dict.fromkeys(self.pull().load_dates))
        promote(self.settings, self.arrival)
        links = [("links-1.csv", "lena", member) for member in members[1:]]
        links[-1:] = [("links-2.csv", *links[-1][1:])] if links else []
        self._build(members, [f"v{number}" for number in range(visitors)], links)

    def _build(self, members: list[str], visitors: list[str], links: list[tuple[str, str, str]]) -> None:
        self.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        self.settings.arrival.mkdir(parents=True, exist_ok=True)
        with connect(self.settings.warehouse) as connection:
            connection.execute("""
                create schema intermediate;
                create schema marts;
                create table intermediate.int_sign_ins (visitor_key varchar, member_key varchar);
                create table intermediate.int_member_persons (member_key varchar, person_id varchar);
                create table intermediate.int_identity_links (
                    source_id varchar, _file varchar, member_id varchar, other_member_id varchar,
                    is_current boolean, is_withdrawn boolean
                );
                create table marts.dim_person_key (source_key varchar);
            """)
            for member in members[1:]:
                connection.execute(
                    "insert into intermediate.int_member_persons values (?, ?)", [f"shop:m:{member}", LENA]
                )
            for visitor in visitors:
                connection.execute(
                    "insert into intermediate.int_sign_ins values (?, ?)", [f"shop:v:{visitor}", LENA]
                )
            for file, one, other in [*links, ("links-3.csv", "paul", "emil")]:
                connection.execute(
                    "insert into intermediate.int_identity_links values ('shop', ?, ?, ?, true, false)",
                    [file, one, other],
                )
        mark = warehouse_mark(self.settings)
        write_build(self.settings, Build("complete", "program", "1" * 64, warehouse=mark, laws="laws"))

    def extent(self, *keys: str, only_these: bool = False) -> Extent:
        return extent_of(self.settings, order_erasure(self.settings, keys, only_these=only_these))


def test_what_it_takes_is_counted_and_nothing_is_changed(tmp_path: Path) -> None:
    shop = Shop(tmp_path, others=2)
    before = sorted(path.name for path in shop.settings.home.rglob("*"))
    extent = shop.extent(LENA)
    assert extent == Extent(
        keys=Counter(member=3, visitor=2),
        linked=Counter(member=2, visitor=2),
        persons=1,
        records=5,
        releases=0,
        links=Counter({"shop, links-1.csv": 1, "shop, links-2.csv": 1}),
    )
    assert extent.text == (
        "That is 5 keys (3 members and 2 visitors) of 1 person, with 5 records in raw;"
        " 0 releases will be deleted."
    )
    require_expected(extent, None)
    assert sorted(path.name for path in shop.settings.home.rglob("*")) == before
    # Two persons that are named are two.
    assert shop.extent(LENA, "shop:m:paul").persons == 2
    assert shop.extent(LENA, only_these=True).keys == Counter(member=1)


def test_far_more_members_than_a_person_has_are_refused_with_the_file_that_unites_them(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path, others=60)
    extent = shop.extent(LENA)
    with pytest.raises(InputError) as refused:
        require_expected(extent, None)
    said = str(refused.value)
    assert "60 members (usually up to 5)" in said and "--expect 63" in said and "--only-these" in said
    assert "60 links between members unite them: 59 in shop, links-1.csv, 1 in shop, links-2.csv." in said
    require_expected(extent, 63)
    with pytest.raises(InputError, match="would erase 63 keys, not the 61 of --expect"):
        require_expected(extent, 61)
    # What somebody names is meant.
    require_expected(shop.extent(LENA, only_these=True), None)
    named = [f"shop:m:member-{number:02}" for number in range(60)]
    require_expected(shop.extent(LENA, *named), None)


@pytest.mark.parametrize(("kind", "others", "visitors"), [("member", 5, 0), ("visitor", 0, 50)])
def test_as_many_as_a_person_may_have_need_no_number(
    tmp_path: Path, kind: str, others: int, visitors: int
) -> None:
    extent = Shop(tmp_path, others, visitors).extent(LENA)
    assert extent.linked[kind] == MOST[kind]
    require_expected(extent, None)
    extent.linked[kind] += 1
    with pytest.raises(InputError, match=f"{MOST[kind] + 1} {kind}s"):
        require_expected(extent, None)


def test_without_a_whole_warehouse_the_keys_are_counted_and_persons_are_unknown(tmp_path: Path) -> None:
    shop = Shop(tmp_path, others=1)
    shop.settings.warehouse.unlink()
    extent = shop.extent(LENA, only_these=True)
    assert (extent.persons, extent.records) == (None, 3)
    assert "(1 member) of an unknown number of persons, with 3 records" in extent.text


def erase(shop: Shop, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """Run `aipl erase` in this process; returns the keys that it went on to erase."""
    monkeypatch.setenv("AIPL_HOME", str(shop.settings.home))
    monkeypatch.setenv("AIPL_SOURCES", str(shop.settings.sources_file))
    taken: list[str] = []
    monkeypatch.setattr(
        erasing, "erase", lambda _settings, order, _say: taken.extend(key.text for key in order.keys)
    )
    aipl.main(["erase", *arguments], standalone_mode=False)
    return taken


def test_yes_does_not_stand_for_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(tmp_path, others=60)
    with pytest.raises(InputError, match="add --expect 63"):
        erase(shop, monkeypatch, LENA, "--yes")
    assert "That is 63 keys (61 members and 2 visitors) of 1 person" in capsys.readouterr().out
    assert len(erase(shop, monkeypatch, LENA, "--yes", "--expect", "63")) == 63
    with pytest.raises(InputError, match="not the 2"):
        erase(shop, monkeypatch, LENA, "--only-these", "--yes", "--expect", "2")


def test_it_refuses_while_a_run_or_the_ui_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, others=1)
    home = shop.settings.home
    with ui_lock(home), pytest.raises(InputError, match=r"in use by `aipl ui`, process \d+, since 20"):
        erase(shop, monkeypatch, LENA, "--yes")
    with ui_lock(home), pytest.raises(InputError, match="in use by `aipl ui`"):
        erasing.alone(shop.settings).__enter__()
    with held(home) as run, pytest.raises(InputError, match=f"written by process {run.pid}, since 20"):
        erase(shop, monkeypatch, LENA, "--yes")
    assert erase(shop, monkeypatch, LENA, "--yes")
