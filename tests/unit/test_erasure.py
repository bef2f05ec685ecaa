"""Records of erased persons: out of every format, by number, and never back."""

import gzip
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contents import all_contents
from unit.shop_home import ShopHome

from orchestration.arrival.erasing import sweep as sweeping
from orchestration.arrival.erasing.sweep import sweep
from orchestration.arrival.loads import decide_loads, promote
from orchestration.arrival.manifest import FileVersion, LoadManifest
from orchestration.arrival.parsed import parsed_path
from orchestration.arrival.trials import TRIAL, keep_trial, read_trial
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.privacy.erased import Erasure, Key, parse_key, read_erased, write_erased
from orchestration.core.settings import Settings

DAY = date(2024, 1, 2)
LENA, PAUL = "lena-4711", "paul-0815"
# Whose each record is; the second of Lena's makes the order o3 hers.
ROWS = [("o1", LENA, "10"), ("o2", PAUL, "20"), ("o3", LENA, "30"), ("o4", "", "40"), ("o5", PAUL, "50")]
LINES = [("o3", "a"), ("o2", "b"), ("o3", "c"), ("o5", "d")]
Rows = list[tuple[str, ...]]
ORDERS, OF_LINES = ("order_id", "buyer", "amount"), ("order_id", "what")


def csv(rows: Rows, names: Sequence[str] = ORDERS) -> bytes:
    return "".join(",".join(row) + "\n" for row in [names, *rows]).encode()


def jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(dict(zip(ORDERS, row, strict=True))) + "\n" for row in rows).encode() + b"\n"


def fixed(rows: Rows) -> bytes:
    return "".join(f"{order:<4}{buyer:<12}{amount:>4}\r\n" for order, buyer, amount in rows).encode()


def parquet(rows: Rows) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.table(dict(zip(ORDERS, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table.set_column(1, "buyer", table["buyer"].dictionary_encode()), sink)
    return sink.getvalue().to_pybytes()


def chinese(rows: Rows) -> bytes:
    return csv([(*row[:2], f"{row[2]}元") for row in rows]).decode().encode("gb18030")


FORMATS = {
    "csv": (csv, {"format": "csv"}),
    "csv.gz": (lambda rows: gzip.compress(csv(rows)), {"format": "csv"}),
    "gbk": (chinese, {"format": "csv", "encoding": "gb18030"}),
    "jsonl": (jsonl, {"format": "jsonl"}),
    "parquet": (parquet, {"format": "parquet"}),
    "txt": (
        fixed,
        {"format": "fixed_width", "widths": {"order_id": [1, 4], "buyer": [5, 16], "amount": [17, 20]}},
    ),
}


class Shop(ShopHome):
    """A source of orders in some format, and of lines that name the order alone."""

    today = DAY

    def __init__(self, home: Path, ending: str = "csv") -> None:
        self.ending, (self.written, declared) = ending, FORMATS[ending]
        orders = {
            **declared,
            "files": f"orders-{{load_date}}.{ending}",
            "columns": {"required": list(ORDERS)},
            "identifiers": {"member": ["buyer"], "order": ["order_id"]},
        }
        # Before the orders in the sources file and by name: whose a line is turns out later.
        lines = {
            "files": "lines-{load_date}.csv",
            "format": "csv",
            "columns": {"required": list(OF_LINES)},
            "identifiers": {"order": ["order_id"]},
        }
        self.tables = {"lines": lines, "orders": orders}
        super().__init__(home, max_unreadable_share=1)

    def deliver(self, orders: bytes, lines: bytes = csv(LINES, OF_LINES)) -> list[str]:
        self.write(f"orders-{DAY}.{self.ending}", orders)
        self.write(f"lines-{DAY}.csv", lines)
        return self.night()

    def night(self) -> list[str]:
        """Pull and accept; returns the files that brought anything."""
        report = self.pull()
        decide_loads(self.settings, "shop", dict.fromkeys(report.load_dates))
        promote(self.settings, self.arrival)
        return [version.file for version in [*report.arrived, *report.refused]]

    def erase(self, *keys: str) -> dict[str, int]:
        erased = read_erased(self.settings)
        digests = tuple(erased.digest(parse_key(key)) for key in keys)
        write_erased(self.settings, erased.having(Erasure(str(hash(keys)), "2024-02-01", None, digests)))
        with LoadManifest(self.settings.manifest) as manifest:
            return sweep(self.settings, manifest, self.source)

    def latest(self, table: str = "orders") -> FileVersion:
        latest = self.arrival.of("shop").latest.values()
        return next(version for version in latest if version.table_name == table)

    def rows(self, table: str = "orders", place: str = "raw") -> list[dict]:
        path = parsed_path(getattr(self.settings, place), self.latest(table))
        return pq.read_table(path).to_pylist() if path.exists() else []

    def text(self) -> str:
        return all_contents(self.settings.home)


@pytest.fixture(params=FORMATS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, request.param)
    shop.deliver(shop.written(ROWS))
    return shop


def test_a_person_is_taken_out_of_every_format(shop: Shop):
    orders, lines = shop.rows(), shop.rows("lines")
    assert [row["_row"] for row in orders] == [1, 2, 3, 4, 5] and LENA in shop.text()
    # A key of another kind or space is another person's.
    assert shop.erase(f"shop:v:{LENA}", f"other:m:{LENA}").total() == 0 and shop.rows() == orders
    removed = shop.erase(f"shop:m:{LENA}")
    assert shop.rows() == [row for row in orders if row["buyer"] != LENA]
    assert shop.rows("lines") == [row for row in lines if row["order_id"] not in ("o1", "o3")]
    assert removed["raw, records"] == removed["landing, records"] == 4
    assert LENA not in shop.text() and PAUL in shop.text()
    for table, records in (("orders", 5), ("lines", 4)):
        version = shop.latest(table)
        assert version.row_count + version.unreadable_count + version.erased_count == records
    assert shop.erase(f"shop:m:{LENA}").total() == 0


def test_what_staging_rejected_of_their_rows_is_forgotten(tmp_path: Path):
    shop = Shop(tmp_path)
    shop.deliver(shop.written(ROWS))
    told = [
        {"entity": "orders", "column_name": None, "reason": f"odd {row['buyer']}", "_row": row["_row"]}
        for row in shop.rows()
    ]
    keep_trial(shop.settings, shop.latest(), pa.Table.from_pylist(told, TRIAL))
    assert f"odd {LENA}" in [row["reason"] for row in told]
    # A sweep that was killed in between has left them.
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sweeping, "forget_erased", Mock(side_effect=KeyboardInterrupt))
        shop.erase(f"shop:m:{LENA}")
    shop.erase(f"shop:m:{LENA}")
    left = read_trial(shop.settings, shop.latest()).to_pylist()
    assert left == [row for row in told if row["reason"] != f"odd {LENA}"]


def test_what_landing_keeps_is_read_as_before(shop: Shop):
    shop.erase(f"shop:m:{LENA}")
    shop.erase(f"shop:m:{PAUL}")
    left = shop.rows()
    assert [(row["_row"], row["order_id"]) for row in left] == [(4, "o4")]
    path = parsed_path(shop.settings.raw, shop.latest())
    path.unlink()
    for dump in shop.dumps.iterdir():
        dump.unlink()
    promote(shop.settings, shop.arrival)
    assert shop.rows() == left
    version = shop.latest()
    assert (version.row_count, version.erased_count) == (1, 4)


def test_a_dump_delivered_again_brings_nobody_back_nor_does_new_content(shop: Shop):
    shop.erase(f"shop:m:{LENA}")
    before, dump = shop.text(), shop.dumps / f"orders-{DAY}.{shop.ending}"
    dump.write_bytes(dump.read_bytes())
    assert shop.night() == []
    assert shop.text().count("paul") == before.count("paul") and LENA not in shop.text()

    more = [*ROWS, ("o6", LENA, "60"), ("o7", PAUL, "70")]
    assert len(shop.deliver(shop.written(more), csv([*LINES, ("o6", "e")], OF_LINES))) == 2
    assert [row["_row"] for row in shop.rows()] == [2, 4, 5, 7]
    assert LENA not in shop.text()
    assert shop.latest().erased_count == 3


def test_records_that_cannot_be_read_go_too(tmp_path: Path):
    rows = f'order_id,buyer,amount\no1,{LENA},1,2\no2,{PAUL},3,4,5\no3,{LENA}x,1,2\no4,\xff,"{LENA}\n'
    shop = Shop(tmp_path)
    shop.deliver(rows.encode("latin-1"))
    assert len(shop.rows(place="rejects")) == 4
    shop.erase(f"shop:m:{LENA}")
    # Another id that begins like hers is another person's.
    assert [row["_row"] for row in shop.rows(place="rejects")] == [2, 3]
    assert shop.latest().unreadable_count == 2 and shop.latest().erased_count == 2
    assert LENA not in shop.text().replace(f"{LENA}x", "")


def test_a_dump_that_cannot_be_read_at_all_is_not_kept(tmp_path: Path):
    shop = Shop(tmp_path)
    shop.deliver(f"order,who\no1,{LENA}\n".encode())
    assert shop.latest().row_count is None and LENA in shop.text()
    shop.erase(f"shop:m:{LENA}")
    assert LENA not in shop.text()
    shop.deliver(f"order,who\no9,{LENA}\n".encode())
    assert LENA not in shop.text() and "missing" in shop.latest().reason


def test_raw_whose_dump_is_gone_is_cleaned_and_counted(shop: Shop):
    for path in shop.settings.landing.rglob("orders*"):
        path.unlink()
    shop.erase(f"shop:m:{LENA}")
    assert [row["order_id"] for row in shop.rows()] == ["o2", "o4", "o5"]
    assert (shop.latest().row_count, shop.latest().erased_count) == (3, 2)


@pytest.mark.parametrize("text", ["lena", "shop:lena", "shop:x:lena", ":m:lena", "shop:m:"])
def test_a_text_that_is_no_key_is_told(text: str):
    with pytest.raises(InputError, match="is not a person's key"):
        parse_key(text)


def test_the_list_names_nobody_and_knows_an_id_however_it_is_written(tmp_path: Path):
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    erased = read_erased(settings)
    key = Key("shop", "member", "17850")
    assert erased.digest(key) == erased.digest(Key("shop", "member", " 17850.0"))
    assert erased.digest(key) != erased.digest(Key("shop", "member", "17850.5"))
    write_erased(settings, erased.having(Erasure("1", "2024-02-01", None, (erased.digest(key),))))
    text = (tmp_path / "erasures" / "list.json").read_text()
    assert "17850" not in text and read_erased(settings).digests() == {erased.digest(key)}
    # Another home hashes otherwise: the hashes of two homes tell nothing of each other.
    assert read_erased(Settings(tmp_path / "b", tmp_path)).digest(key) != erased.digest(key)


def test_a_damaged_list_stops_everything_that_could_bring_persons_back(shop: Shop):
    shop.erase(f"shop:m:{LENA}")
    (shop.settings.home / "erasures" / "list.json").write_text("{")
    with pytest.raises(EnvironmentStop, match="would come back"):
        shop.night()
