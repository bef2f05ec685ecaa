"""What a run and `aipl status` note: tables and brands declared and not there, or the reverse; no buyers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest
from unit.shop_home import ShopHome

from orchestration.arrival.loads import decide_loads
from orchestration.build.state import Build, write_build
from orchestration.nightly.notes import (
    brand_notes,
    buyer_notes,
    missing_tables,
    notes,
    read_by_staging,
    unread_tables,
)
from orchestration.publish.release import Release

DAY = date(2024, 9, 2)
COLUMNS = {"format": "csv", "columns": {"required": ["a"]}}
TABLES = {
    "orders": {"files": "orders_{load_date}.csv", **COLUMNS},
    "lines": {"files": "lines_{load_date}.csv", **COLUMNS},
    "coupons": {"files": "coupons_{load_date}.csv", "may_be_empty": True, **COLUMNS},
}
Brand = tuple[str, str, bool]


class Shop(ShopHome):
    tables = TABLES

    def deliver(self, *tables: str) -> None:
        for table in tables:
            self.write(f"{table}_{DAY}.csv", "a\n1\n2\n")
        self.pull()
        decide_loads(self.settings, "shop", {DAY: None})


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, feed="static")


def release(folder: Path, brands: Sequence[Brand]) -> Release:
    """A release of these brands (id, sources, whether unbranded)."""
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute("create table dim_brand (brand_id text, source_ids text, is_unbranded boolean)")
        connection.executemany("insert into dim_brand values (?, ?, ?)", brands)
    return Release(folder, {})


def noted(shop: Shop, folder: Path, brands: Sequence[Brand]) -> str:
    return "\n".join(brand_notes(shop.arrival.sources, release(folder, brands)))


def test_a_static_source_without_a_declared_table(shop: Shop) -> None:
    assert list(missing_tables(shop.arrival)) == [], "it has no dumps at all, and may never have"
    shop.deliver("orders")
    (note,) = missing_tables(shop.arrival)
    assert note.startswith("shop: no dump of lines came")
    shop.deliver("lines")
    assert list(missing_tables(shop.arrival)) == []


def test_a_delivered_table_that_no_staging_model_reads(shop: Shop) -> None:
    shop.deliver("orders", "lines")
    assert read_by_staging(shop.settings) == {}
    assert list(unread_tables(shop.arrival, {})) == [], "dbt has not parsed the project yet"
    source: dict[str, object] = {"source_name": "shop", "identifier": "orders", "config": {}}
    nodes = {
        "model.stg": {
            "original_file_path": "models/staging/shop/stg_shop__orders.sql",
            "depends_on": {"nodes": ["source.orders", "model.other"]},
        },
        "model.int": {
            "original_file_path": "models/intermediate/int_lines.sql",
            "depends_on": {"nodes": ["source.lines"]},
        },
    }
    manifest = {
        "nodes": nodes,
        "sources": {
            "source.orders": source,
            "source.lines": source | {"identifier": "lines"},
            "source.notes": source | {"identifier": "notes", "config": {"meta": {"unread": True}}},
        },
    }
    shop.settings.dbt_target.mkdir(parents=True)
    (shop.settings.dbt_target / "manifest.json").write_text(json.dumps(manifest))
    assert read_by_staging(shop.settings) == {"shop": {"orders", "notes"}}
    assert notes(shop.settings, shop.arrival, None) == [
        "shop: no staging model reads lines: its 2 rows feed nothing"
    ]


def test_brands_that_are_not_declared_and_declared_ones_without_rows(shop: Shop, tmp_path: Path) -> None:
    shop.declare(brands={"new": {"name": "New"}, "kept": {"name": "Kept"}})
    others: list[Brand] = [("shop_unbranded", "shop", True), ("strange", "club", False)]
    told = noted(shop, tmp_path, [("old", "club, shop", False), ("kept", "shop", False), *others])
    assert told.startswith("shop: rows of brand old, which is not declared; new has none. ")
    shop.declare(brands={"kept": {"name": "Kept"}, "strange": {"name": "Of the club alone"}})
    (tmp_path / "marts.duckdb").unlink()
    assert noted(shop, tmp_path, [("kept", "shop", False), *others]) == ""
    shop.declare(brands={"kept": {"name": "Kept"}, "new": {"name": "New"}})
    (tmp_path / "marts.duckdb").unlink()
    assert noted(shop, tmp_path, [("kept", "shop", False)]).startswith("shop: no rows of brand new, which is")
    shop.declare()
    (tmp_path / "marts.duckdb").unlink()
    assert noted(shop, tmp_path, [("any", "shop", False)]) == "", "its brands are those of its rows"


def test_orders_without_a_person(shop: Shop) -> None:
    sources = ["shop", "club", "web"]
    assert buyer_notes(shop.settings, sources) == [], "nothing is built"
    shop.settings.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(shop.settings.warehouse)) as connection:
        connection.execute("create schema intermediate")
        write_build(shop.settings, Build("complete", "rules", "first"))
        connection.execute("create table intermediate.int_orders_settled (source_id text, person_id text)")
        rows = [("shop", None), ("shop", None), ("club", None), ("club", "p")]
        connection.executemany("insert into intermediate.int_orders_settled values (?, ?)", rows)
    (note,) = buyer_notes(shop.settings, sources)
    assert note.startswith("shop: none of its orders has a person")
    assert "stg_shop__orders" in note
    write_build(shop.settings, Build("building", "rules", "second"))
    assert buyer_notes(shop.settings, sources) == []


def test_a_release_of_an_older_program_notes_nothing(shop: Shop, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as connection:
        connection.execute("create table dim_brand (brand_id text)")
    assert list(brand_notes(shop.arrival.sources, Release(tmp_path, {}))) == []
