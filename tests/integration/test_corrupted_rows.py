"""One raw row corrupted at a time, each column in each way: it is right or a reject, others are as before."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sample_world import sample_warehouse
from warehouse import Warehouse

from orchestration.arrival.configured import configured_sources
from orchestration.core.privacy.ids import clean_id
from orchestration.sources.table import Format

DAY = date(2024, 12, 1)
GOOD = 2
CORRUPTIONS = [
    *(
        None,
        "",
        "  ",
        "null",
        "Undefined",
        '="1"',
        "'1",
        "12.0",
        "1.03E+19",
        '{"a": [',
        "text",
        "9" * 40,
        "-5",
    ),
    *("12,50", "inf", "NaN", "24-03-04", "0001-01-01 00:00:00", "2024-09-04T18:00:00Z", "2024-02-30"),
    *("04/03/2024 09:00", "\u200b7", "o'x", "rmb", "¥", "\U0001f600"),
]
IDS = {
    "events": ["event_id", "visitor_id", "member_id"],
    "orders": ["order_id", "visitor_id", "member_id"],
    "order_lines": ["order_id", "product_id"],
    "refunds": ["refund_id", "order_id"],
    "reviews": ["review_id", "order_id", "visitor_id", "member_id"],
    "memberships": ["membership_id", "visitor_id", "member_id"],
    "identity_links": ["link_id", "visitor_id", "member_id"],
    "products": ["product_id"],
    "gmv_targets": [],
}
PLACEHOLDERS = {"null", "undefined"}


Corrupted = tuple[Warehouse, dict[str, list[tuple[str, Any]]]]


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory: pytest.TempPathFactory) -> Corrupted:
    """The entities of one load, and the corrupted column and value of each row after the first `GOOD`."""
    shop, folder = sample_warehouse(), tmp_path_factory.mktemp("corrupted")
    raw = shop.home / "raw" / "sample_shop"
    warehouse, dumps = Warehouse(folder / "home"), folder / "dumps"
    changes: dict[str, list[tuple[str, Any]]] = {}
    tables = configured_sources(warehouse.settings)["sample_shop"].tables
    dumps.mkdir()
    for entity in IDS:
        table = tables[entity]
        columns = table.columns.declared
        found = shop.query(
            f"select {', '.join(columns)} from read_parquet('{raw}/{entity}/*/*.parquet', hive_partitioning"
            f" = false) semi join intermediate.int_{entity} using (_file, _row)"
            f" order by _load_date, _row limit {GOOD}"
        )
        changes[entity] = list(product(columns, CORRUPTIONS))
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        rows += [{**rows[0], column: value} for column, value in changes[entity]]
        _write(dumps / table.files.format(load_date=DAY), table.format, rows)
    warehouse.load("sample_shop", dumps)
    warehouse.build(only=["int_rejects", *(f"int_{entity}" for entity in IDS)])
    return warehouse, changes


def _write(path: Path, form: Format, rows: list[dict[str, Any]]) -> None:
    if form is Format.JSONL:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        lines = io.StringIO()
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        text = lines.getvalue()
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.mark.parametrize("entity", IDS)
def test_a_corrupted_row_costs_itself_at_most(corrupted: Corrupted, entity: str) -> None:
    warehouse, changes = corrupted
    names = [
        name for (name,) in warehouse.query(f"select column_name from (describe intermediate.int_{entity})")
    ]
    found = warehouse.query(f"select * from intermediate.int_{entity} order by _row")
    staged = {row["_row"]: row for row in (dict(zip(names, values, strict=True)) for values in found)}
    reasons = dict(
        warehouse.query(f"select _row, reason from intermediate.int_rejects where entity = '{entity}'")
    )
    assert sorted([*staged, *reasons]) == list(range(1, GOOD + len(changes[entity]) + 1))
    assert all(reasons.values()) and not any(staged[row]["cleaned"] for row in range(1, GOOD + 1))
    for row, (column, value) in enumerate(changes[entity], GOOD + 1):
        if row in staged:
            for id in IDS[entity]:
                good = staged[1][id] if id != column else _id(value)
                assert staged[row][id] == good, (column, value)
        elif column in IDS[entity]:
            assert _id(value) is None or "scientific" in reasons[row], (column, value, reasons[row])


def _id(value: object) -> str | None:
    """What is left of a value as an id."""
    text = "" if value is None else clean_id(value)
    return text if text and text.lower() not in PLACEHOLDERS and text != "NaN" else None
