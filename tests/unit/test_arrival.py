"""Arrival: raw holds exactly what is in effect, through refusals, repairs and kills at any step."""

import itertools
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.publish_home import Killed
from unit.shop_home import ShopHome

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.dbt_inputs import write_arrival
from orchestration.arrival.file_versions import State
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.loads import decide_loads, promote
from orchestration.arrival.readers import UnreadableDump

EVENTS = {"format": "csv", "columns": {"required": ["a"], "optional": ["b"]}}
ITEMS = {"format": "parquet", "columns": {"required": ["id"]}}
TABLES = {
    "events": {"files": "events_{load_date}.csv", **EVENTS},
    "items": {"files": "items_{load_date}.parquet", **ITEMS},
}


def day(number: int) -> date:
    return date(2024, 9, number)


class Shop(ShopHome):
    tables = TABLES

    def files(self, place: str) -> int:
        return len(list((self.settings.home / place).rglob("*.parquet")))

    def deliver(self, number: int, *values: str) -> None:
        self.write(f"events_{day(number)}.csv", "".join(f"{value}\n" for value in ("a", *values)))
        self.pull()

    def load(self, number: int, *values: str, refused: str | None = None) -> bool:
        """Deliver a day's events, decide on them and promote; whether the load is accepted."""
        self.deliver(number, *values)
        accepted = decide_loads(self.settings, "shop", {day(number): refused})[day(number)]
        self.promote()
        return accepted

    def promote(self) -> None:
        promote(self.settings, self.arrival)

    def raw(self) -> list[str]:
        """Values in raw, read the way dbt reads them."""
        files = sorted((self.settings.raw / "shop" / "events").glob("*/*.parquet"))
        return sorted(value for file in files for value in pq.read_table(file)["a"].to_pylist())

    def told(self, name: str) -> list[dict[str, object]]:
        write_arrival(self.settings, self.arrival)
        return pq.read_table(self.settings.arrival / f"{name}.parquet").to_pylist()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    brands = {"x": {"name": "X"}, "y": {"name": "Y", "timezone": "UTC", "currency": "EUR"}}
    return Shop(tmp_path, starts_on=day(1), brands=brands)


def test_raw_has_columns_before_any_dump(shop: Shop):
    shop.promote()
    path = shop.settings.raw / "shop" / "events" / "load_date=0001-01-01" / "schema.parquet"
    assert pq.read_schema(path).names == ["a", "b", "_load_date", "_file", "_row"]
    assert (shop.raw(), shop.told("files")) == ([], [])


def test_an_accepted_load_moves_to_raw_and_a_correction_replaces_it(shop: Shop):
    shop.deliver(2, "1")
    shop.promote()
    assert (shop.raw(), shop.files("arrivals")) == ([], 1)
    assert shop.load(2, "1")
    assert (shop.raw(), shop.files("arrivals")) == (["1"], 0)
    # A refused correction waits, and the old version stays.
    assert not shop.load(2, "2", "bad,row,here", refused="too few rows")
    assert (shop.raw(), shop.files("arrivals")) == (["1"], 1)
    (told,) = shop.told("sources")
    assert (told["is_stale"], told["stale_reason"]) == (True, "load 2024-09-02 refused: too few rows")
    assert shop.load(2, "2", "bad,row,here")
    assert (shop.raw(), shop.files("rejects")) == (["2"], 1)
    assert shop.load(2, "3")
    assert (shop.raw(), shop.files("rejects")) == (["3"], 0)


def test_held_back_loads_follow_the_repair(shop: Shop):
    shop.load(2, "2", refused="wrong")
    shop.load(3, "3")
    assert shop.raw() == []
    assert shop.told("sources")[0]["complete_through"] is None
    shop.load(2, "2", "2b")
    assert shop.raw() == ["2", "2b", "3"]
    assert shop.told("sources")[0]["complete_through"] == day(2)


def test_a_load_with_an_unreadable_file_is_never_accepted(shop: Shop):
    (shop.dumps / "items_2024-09-02.parquet").write_bytes(b"no parquet")
    assert not shop.load(2, "1")
    (load,) = shop.arrival.of("shop").loads
    assert load.state is State.REFUSED
    assert "items_2024-09-02.parquet: the file is not sound Parquet" in (load.reason or "")
    assert shop.raw() == []
    pq.write_table(pa.table({"id": [1]}), shop.dumps / "items_2024-09-02.parquet")
    assert shop.load(2, "1")
    assert shop.raw() == ["1"]
    schema = shop.settings.raw / "shop" / "items" / "load_date=0001-01-01" / "schema.parquet"
    assert pq.read_schema(schema).field("id").type == pa.int64()


def test_what_raw_lost_is_read_again_and_what_it_should_not_have_goes(shop: Shop):
    shop.load(2, "1")
    (held,) = (shop.settings.raw / "shop" / "events" / "load_date=2024-09-02").iterdir()
    held.with_name("stray.parquet").write_bytes(held.read_bytes())
    held.unlink()
    shop.promote()
    assert shop.raw() == ["1"]
    # Of an old version in effect it is read by its own declaration.
    tables = {"events": {"files": "events_{load_date}.csv", "format": "csv", "columns": {"required": ["z"]}}}
    shop.declare(tables=tables)
    shop.pull()
    held.unlink()
    shop.promote()
    assert pq.read_table(held)["a"].to_pylist() == ["1"]
    held.unlink()
    landed_copy(shop.settings, shop.arrival.of("shop").versions[0]).unlink()
    with pytest.raises(UnreadableDump, match=r"landed copy .* is gone"):
        shop.promote()


def test_promotion_killed_at_any_step_is_finished_by_the_next(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for number in (2, 3):
        shop.load(number, str(number))
    left, real = [0], {name: getattr(Path, name) for name in ("replace", "unlink", "rmdir", "mkdir")}

    def dying(name: str):
        def step(path: Path, *arguments, **keywords):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real[name](path, *arguments, **keywords)

        return step

    for steps in itertools.count():
        for number in (2, 3, 4):
            shop.deliver(number, f"{number} in round {steps}", "cut,row")
            decide_loads(shop.settings, "shop", {day(number): None})
        left[0] = steps
        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(Path, name, dying(name))
            try:
                shop.promote()
                is_finished = True
            except Killed:
                is_finished = False
        shop.promote()
        assert shop.raw() == [f"{number} in round {steps}" for number in (2, 3, 4)]
        assert (shop.files("rejects"), shop.files("arrivals")) == (3, 0)
        if is_finished:
            break
    assert steps > 5


def test_dbt_is_told_files_sources_and_brands(shop: Shop):
    shop.load(2, "1", "x,y,z")
    (file,) = shop.told("files")
    assert file.pop("version")
    assert list(file.values()) == ["shop", "events", "events_2024-09-02.csv", day(2), 1, 1]
    (source,) = shop.told("sources")
    told = ["shop", "daily", "Asia/Shanghai", "CNY", day(1), day(1), False, None]
    assert list(source.values()) == told
    assert [tuple(brand.values()) for brand in shop.told("brands")] == [
        ("shop", "x", "X", "Asia/Shanghai", "CNY"),
        ("shop", "y", "Y", "UTC", "EUR"),
    ]


def test_what_dbt_is_told_is_typed_when_there_is_nothing(shop: Shop):
    write_arrival(shop.settings, read_arrival(shop.settings, {}))
    for name in ("files", "sources", "brands", "applied"):
        table = pq.read_table(shop.settings.arrival / f"{name}.parquet")
        assert table.num_rows == 0
        assert pa.null() not in table.schema.types
    assert table.schema.field("load_date").type == pa.date32()
    assert table.schema.field("row_count").type == pa.int64()
