"""What is declared to be kept for a time goes after it; what raw may have to be made from does not."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from unit.shop_home import ShopHome

from orchestration.arrival.loads import complete_columns, decide_loads, promote, read_again
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pull import survey
from orchestration.arrival.readers import UnreadableDump
from orchestration.arrival.retention import KEPT_REPORTS, Tidied, tidy
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import arrived

NOW = datetime.now(UTC)


TABLES = {"t": {"files": "*.csv", "format": "csv", "columns": {"required": ["a"]}}}


class Shop(ShopHome):
    """A home that has loaded a dump with a row that cannot be read."""

    tables = TABLES

    def __init__(self, home: Path, **retention: int) -> None:
        super().__init__(home, feed="static", retention=retention)
        self.write("a.csv", "a\n1\nx,y\n")
        self.night()

    def night(self) -> None:
        decide_loads(self.settings, "shop", dict.fromkeys(self.pull().load_dates))
        promote(self.settings, self.arrival)

    def tidy(self, days: int) -> Tidied:
        return tidy(self.settings, self.arrival, NOW + timedelta(days=days))

    def rows(self, columns: str) -> list[tuple[object, ...]]:
        """What dbt reads of raw."""
        found = f"read_parquet('{self.settings.raw}/shop/t/*/*.parquet', hive_partitioning = false)"
        return duckdb.sql(f"select {columns} from {found} order by all").fetchall()

    def files(self, place: str) -> list[Path]:
        return sorted(path for path in (self.settings.home / place).rglob("*.*") if path.is_file())


def test_copies_go_when_they_were_kept_as_long_as_declared(tmp_path: Path) -> None:
    shop = Shop(tmp_path, landing_days=30, rejects_days=10)
    before = find_rejects(shop.settings, Selection()).table
    assert texts(shop) == ["x,y"]
    assert shop.tidy(9) == Tidied(landing=0, rejects=0, reports=0)
    assert shop.tidy(11) == Tidied(landing=0, rejects=1, reports=0)
    raw = shop.files("raw")
    assert shop.tidy(31) == Tidied(landing=1, rejects=0, reports=0)
    assert shop.tidy(400) == Tidied(landing=0, rejects=0, reports=0)
    assert shop.files("landing") == [] and shop.files("raw") == raw
    # Nothing is new, nothing is asked for; what cannot be made again is kept, and told.
    shop.night()
    (lost,) = read_again(shop.settings, shop.arrival)
    assert "is gone" in lost and shop.files("raw") == raw
    with LoadManifest(shop.settings.manifest) as manifest:
        (version,) = manifest.versions("shop")
    assert (version.row_count, version.unreadable_count) == (1, 1)
    # Rejects lost their text and are still counted.
    assert find_rejects(shop.settings, Selection()).table.equals(before)
    assert texts(shop) == [None]
    (line,) = arrived(shop.settings)
    assert (line.read, line.unreadable, line.raw, line.difference) == (2, 1, 1, 0)
    # Damaged ones are left to whoever counts them.
    (path,) = shop.files("rejects")
    path.write_bytes(b"PAR1")
    assert shop.tidy(800).rejects == 0
    assert arrived(shop.settings)[0].difference == 1


def texts(shop: Shop) -> list[str | None]:
    return find_rejects(shop.settings, Selection(), with_text=True).table["text"].to_pylist()


def test_without_a_declaration_all_is_kept_but_old_reports(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    folder = shop.settings.reports / "marts"
    folder.mkdir(parents=True)
    old = (NOW - KEPT_REPORTS - timedelta(days=1)).timestamp()
    for name in ("1-marts.json", "1-marts.html", "index.html", "2-marts.json"):
        (folder / name).touch()
        if name != "2-marts.json":
            os.utime(folder / name, (old, old))
    assert shop.tidy(0) == Tidied(landing=0, rejects=0, reports=2)
    assert sorted(path.name for path in folder.iterdir()) == ["2-marts.json", "index.html"]
    shop.tidy(10_000)
    assert len(shop.files("landing")) == len(shop.files("rejects")) == 1


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1")])
def test_a_dump_that_raw_is_yet_to_be_made_from_stays(tmp_path: Path, damage) -> None:
    shop = Shop(tmp_path, landing_days=30)
    (data,) = [path for path in shop.files("raw") if path.name.startswith("a.csv")]
    damage(data)
    assert shop.tidy(31).landing == 0
    promote(shop.settings, shop.arrival)
    # What a version that is replaced was read from goes too.
    shop.write("a.csv", "a\n2\n")
    shop.night()
    assert shop.tidy(31).landing == 2


def test_a_new_column_that_raw_cannot_learn_of_is_refused_or_if_optional_null_there(tmp_path: Path) -> None:
    shop = Shop(tmp_path, landing_days=30)

    def declare(optional: list[str], **more: object) -> None:
        table = TABLES["t"] | {"columns": {"required": ["a"], "optional": optional}, **more}
        shop.declare(feed="static", retention={"landing_days": 30}, tables={"t": table})

    for change in ({"columns": {"required": ["a", "agent"]}}, {"not_null": ["agent"]}):
        declare(["agent"], **change)
        with pytest.raises(UnreadableDump, match="from before agent was declared"):
            complete_columns(shop.settings, shop.arrival)
    declare([])
    complete_columns(shop.settings, shop.arrival)
    (path,) = [path for path in shop.files("raw") if path.name.startswith("a.csv")]
    before = pq.read_table(path, partitioning=None)
    assert shop.tidy(31).landing == 1
    (shop.dumps / "a.csv").unlink()
    declare(["agent", "phone"])
    for _ in range(2):
        assert survey(shop.settings, shop.source, shop.arrival.of("shop"), None, shop.today)[0] == []
        shop.night()
        complete_columns(shop.settings, shop.arrival)
        after = pq.read_table(path, partitioning=None)
        assert after.select(before.column_names) == before
        assert after["agent"].to_pylist() == after["phone"].to_pylist() == [None]
    # What dbt reads: the file without rows gives the columns, a new dump beside the old one fills them.
    shop.write("b.csv", "a,agent\n2,robot\n")
    shop.night()
    assert shop.rows("a, agent, phone") == [("1", None, None), ("2", "robot", None)]
    # The dump comes back: it is read as it should have been.
    shop.write("a.csv", "a,phone\n1,5\n")
    shop.night()
    complete_columns(shop.settings, shop.arrival)
    assert shop.rows("a, agent, phone") == [("1", None, "5"), ("2", "robot", None)]
