"""The accounts of a build, against rows that are counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.shop_home import ShopHome

from orchestration.arrival.dbt_inputs import write_arrival
from orchestration.arrival.file_versions import FileVersion, State
from orchestration.arrival.loads import decide_loads, promote
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import parsed_path
from orchestration.arrival.trials import TRIAL, forget_erased, keep_trial
from orchestration.build.rejects import (
    keep_rejects,
    kept_changes,
    kept_rejects,
    read_kept,
)
from orchestration.build.state import Build, write_build
from orchestration.commands.rejects_text import accounts_text, rejects_text
from orchestration.core.settings import Settings
from orchestration.nightly.summary import staged_rejects
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import Staged, arrived, staged

WAREHOUSE = """
    create schema staging;
    create schema intermediate;
    create view staging.stg_shop__orders as select 1 as x;
    create view staging.stg_other__orders as select 1 as x;
    create table intermediate.int_orders as
        select * from
            (values
                ('shop', 'a', true, 'order_id spelling, amount sign, device unknown: toaster'),
                ('shop', 'a', false, 'amount sign, device unknown: toaster'),
                ('shop', 'b', true, 'device unknown: tv set'), ('other', 'a', true, null))
            as rows (source_id, _file, is_current, cleaned);
    create table intermediate.int_orders_attributed as select * from intermediate.int_orders;
    create table intermediate.int_rejects as
        select 'shop' as source_id, 'orders' as entity, 'order_id' as column_name, 'no id' as reason,
            '{}' as raw_row, date '2024-01-02' as _load_date, 'b' as _file, 7 as _row;
"""
FILES = """
    select *, 'v1' as version
    from (values ('shop', 'lines', 'a', 3), ('shop', 'lines', 'b', 2), ('other', 'docs', 'a', 1))
        as rows (source_id, table_name, file, row_count)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    for folder in (settings.arrival, settings.warehouse.parent):
        folder.mkdir(parents=True)
    duckdb.sql(FILES).write_parquet(str(settings.arrival / "files.parquet"))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    return settings


def test_rows_of_raw_are_current_superseded_rejected_or_joined(settings: Settings) -> None:
    assert staged(settings) == []
    keep_rejects(settings)
    shop = Staged("shop", "lines", "orders", raw=5, current=2, superseded=1, rejected=1)
    assert staged(settings) == [Staged("other", "docs", "orders", 1, 1, 0, 0), shop]
    assert staged(settings, "shop") == [shop] and (shop.joined, shop.split) == (1, 0)
    assert pq.read_table(kept_rejects(settings))["_row"].to_pylist() == [7]
    columns = ("source_id", "table_name", "entity", "column", "kind", "rows", "words")
    assert read_kept(kept_changes(settings)).to_pylist() == [
        dict(zip(columns, ("shop", "lines", "orders", *changed), strict=True))
        for changed in (
            ("amount", "sign", 2, ""),
            ("device", "unknown", 3, "toaster 2, tv set 1"),
            ("order_id", "spelling", 1, ""),
        )
    ]


def test_rows_of_several_items_are_split(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "insert into intermediate.int_orders select 'other', 'a', true, null from range(3)"
        )
    keep_rejects(settings)
    other = staged(settings, "other")[0]
    assert (other.raw, other.current, other.joined, other.split) == (1, 4, 0, 3)


def test_a_build_that_stopped_tells_what_it_rejected_if_it_came_so_far(settings: Settings) -> None:
    keep_rejects(settings)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update intermediate.int_rejects set reason = 'another'")
    before = staged(settings)
    keep_rejects(settings, ["int_orders"])
    assert pq.read_table(kept_rejects(settings))["reason"].to_pylist() == ["no id"], (
        "those of the first build"
    )
    assert staged(settings) == before
    keep_rejects(settings, ["int_rejects"])
    assert pq.read_table(kept_rejects(settings))["reason"].to_pylist() == ["another"]
    assert staged(settings) == [], "no entity was counted"
    keep_rejects(settings, ["int_rejects", "int_orders"])
    assert staged(settings) == before


def test_the_summary_counts_what_aipl_rejects_does(settings: Settings) -> None:
    loads = [("shop", date(2024, 1, 2))]
    write_build(settings, Build("building", "rules", "second"))
    assert staged_rejects(settings, loads) == {}
    keep_rejects(settings)
    assert staged_rejects(settings, loads) == {"orders.order_id no id": 1}
    assert find_rejects(settings, Selection()).by_reason() == {
        ("shop", "orders", "order_id", "staging", "no id"): 1
    }
    assert staged_rejects(settings, [("shop", date(2024, 1, 3))]) == {}
    assert "the last build, which did not finish, =" in accounts_text(settings, None)
    write_build(settings, Build("complete", "rules", "second"))
    assert "Raw rows in the last build = " in accounts_text(settings, None)


class Shop(ShopHome):
    """A shop with one table, whose trials and builds are played."""

    tables: ClassVar[dict[str, Any]] = {
        "orders": {"files": "orders-{load_date}.csv", "format": "csv", "columns": {"required": ["id", "at"]}}
    }
    day = date(2024, 9, 2)

    def deliver(self, *times: str) -> FileVersion:
        """Deliver and read the orders of the day, of which staging rejects those without a time."""
        lines = [f"{number},{at}" for number, at in enumerate(times, 1)]
        self.write(f"orders-{self.day}.csv", "\n".join(["id,at", *lines, ""]))
        self.pull()
        version = self.arrival.of("shop").latest[f"orders-{self.day}.csv"]
        rows = [number for number, at in enumerate(times, 1) if at == "?"]
        found = {"entity": ["orders"] * len(rows), "column_name": ["at"] * len(rows)}
        found |= {"reason": ["no time"] * len(rows), "_row": rows}
        keep_trial(self.settings, version, pa.table(found, TRIAL))
        return version

    def decide(self, verdict: str | None) -> None:
        decide_loads(self.settings, "shop", {self.day: verdict})
        promote(self.settings, self.arrival)

    def build(self, *rejected: int) -> None:
        """A build over what is in effect that rejects these rows."""
        write_arrival(self.settings, self.arrival)
        self.settings.warehouse.parent.mkdir(exist_ok=True)
        rows = ", ".join(f"({row})" for row in rejected) or "(null)"
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            connection.execute(
                "create schema if not exists intermediate;"
                " create or replace table intermediate.int_rejects as"
                " select 'shop' as source_id, 'orders' as entity, 'at' as column_name, 'no time' as reason,"
                f" '{{}}' as raw_row, date '{self.day}' as _load_date, 'orders-{self.day}.csv' as _file, _row"
                f" from (values {rows}) as rows (_row) where _row is not null"
            )
        keep_rejects(self.settings)

    @property
    def told(self) -> list[tuple[str, int]]:
        """Where each rejected row was found."""
        found = find_rejects(self.settings, Selection()).rows()
        return [(str(row["found_in"]), int(str(row["row"]))) for row in found]

    @property
    def counted(self) -> int:
        """Rows that the summary counts."""
        return staged_rejects(self.settings, [("shop", self.day)]).total()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_rejected_row_is_told_once_whatever_becomes_of_its_load(shop: Shop) -> None:
    shop.deliver("10:00", "?", "?")
    assert shop.told == [("trial", 2), ("trial", 3)], "undecided"
    shop.decide("too many")
    assert shop.told == [("trial", 2), ("trial", 3)] and shop.counted == 2, "refused"
    shop.build()
    assert shop.told == [("trial", 2), ("trial", 3)], "a build knows nothing of it"
    text = rejects_text(shop.settings, Selection(reason="no time"))
    assert '"at":"?"' in text and "Found in trial: 2 rows that no build has staged" in text
    shop.decide(None)
    assert shop.told == [("trial", 2), ("trial", 3)] and shop.counted == 2, "accepted, and the build stopped"
    shop.build(2, 3)
    assert shop.told == [("staging", 2), ("staging", 3)] and shop.counted == 2
    assert "Found in trial" not in rejects_text(shop.settings, Selection())
    # A model was corrected: what the trial said is not asked again.
    shop.build(3)
    assert shop.told == [("staging", 3)]
    # Held back, it is what the last build said until the next one leaves it out.
    (version,) = shop.arrival.of("shop").versions
    with LoadManifest(shop.settings.manifest) as manifest, manifest.transaction():
        manifest.decide([version.version_id], State.REFUSED, "held back: by hand")
    promote(shop.settings, shop.arrival)
    assert shop.told == [("staging", 3)]
    shop.build()
    assert shop.told == [("trial", 2), ("trial", 3)]
    shop.decide(None)
    (account,) = arrived(shop.settings)
    assert (account.read, account.raw, account.difference) == (3, 3, 0)


def test_a_file_that_comes_again_is_told_of_by_the_version_that_counts(shop: Shop) -> None:
    shop.deliver("?", "10:00")
    shop.decide(None)
    shop.build(1)
    shop.deliver("10:00", "?", "?")
    shop.decide("too many")
    assert shop.told == [("staging", 1), ("trial", 2), ("trial", 3)], "one is in effect, the other waits"
    shop.decide(None)
    assert shop.told == [("trial", 2), ("trial", 3)], "the first is superseded"
    shop.build(2, 3)
    assert shop.told == [("staging", 2), ("staging", 3)]
    shop.deliver("10:00")
    assert shop.told == [("staging", 2), ("staging", 3)]
    shop.decide(None)
    assert shop.told == []


def test_a_trial_ends_with_its_version_and_forgets_rows_that_are_gone(shop: Shop) -> None:
    first = shop.deliver("?", "?")
    shop.decide("too many")
    assert parsed_path(shop.settings.trials, first).exists()
    with_one = pq.read_table(parsed_path(shop.settings.arrivals, first), partitioning=None).slice(1)
    pq.write_table(with_one, parsed_path(shop.settings.arrivals, first))
    forget_erased(shop.settings, first)
    assert shop.told == [("trial", 2)]
    shop.deliver("10:00")
    shop.decide(None)
    assert not list(shop.settings.trials.rglob("*.parquet"))
