"""One raw row corrupted at a time, each column in each way: it is right or a reject, others are as before."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from corruptions import CORRUPTIONS
from sample_world import sample_warehouse
from warehouse import Warehouse

from orchestration.arrival.configured import configured_sources
from orchestration.core.privacy.ids import clean_id
from orchestration.sources.table import Format

DAY = date(2024, 12, 1)
GOOD = 2
# JSON lines hold more than text.
OF_JSON = [0, 12.0, 12.5, 1e19, 10**25, True, [1, "a"], {"id": 1}, [], -1.5]
IDS = {
    "events": ["event_id", "visitor_id", "member_id", "product_id", "session_id"],
    "orders": ["order_id", "visitor_id", "member_id", "session_id"],
    "order_lines": ["order_id", "product_id"],
    "refunds": ["refund_id", "order_id"],
    "reviews": ["review_id", "order_id", "visitor_id", "member_id", "product_id"],
    "memberships": ["membership_id", "visitor_id", "member_id"],
    "identity_links": ["link_id", "visitor_id", "member_id"],
    "products": ["product_id", "category_id"],
    "categories": ["category_id", "parent_id"],
    "campaigns": ["campaign_id"],
    "gmv_targets": [],
}
PLACEHOLDERS = {"null", "undefined", "n/a", "\\n", "[object object]", "nan"}
# Canonical columns that follow from a raw one, besides the one of its name.
FROM = {
    "event_time": {"event_at", "event_date"},
    "brand": {"brand_id", "event_date", "reviewed_on", "joined_on", "left_on"},
    "event": {"touch_kind"},
    "user_agent": {"is_bot_agent"},
    "event_id": {"visit_key"},
    "visitor_id": {"source_key", "visit_key"},
    "member_id": {"source_key", "visit_key"},
    "session_id": {"visit_key"},
    "created_at": {"created_date"},
    "paid_at": {"paid_date"},
    "line_no": {"line_id"},
    "refunded_at": {"refunded_on"},
    "reviewed_at": {"reviewed_on"},
    "state": {"state_kind"},
    "joined_at": {"joined_on"},
    "left_at": {"left_on"},
    "withdrawn": {"is_withdrawn"},
    "name": {"product_name", "category_name", "campaign_name"},
    "kind": {"line_kind", "campaign_kind"},
    "reason": {"reason_kind"},
    "freight": {"freight_amount"},
    "discount": {"discount_amount"},
    "coupon": {"coupon_amount"},
}
OF_THE_ROW = {"_row", "is_current", "cleaned"}
NUMBERS = {
    *("amount", "unit_price", "quantity", "gmv", "list_amount", "cost_amount", "list_price"),
    *("goal_value", "budget"),
}
# Raw columns that hold words of a list, with the canonical one and what an unknown word becomes.
WORDS = {
    ("events", "page_class"): ("page_class", "other"),
    ("events", "device"): ("device", "other"),
    ("orders", "device"): ("device", "other"),
    ("order_lines", "kind"): ("line_kind", "goods"),
    ("refunds", "reason"): ("reason_kind", "other"),
    ("campaigns", "kind"): ("campaign_kind", "other"),
}
CURRENCIES = {"rmb": "CNY", "cny ": "CNY", "Yuan": None, "¥": None}
# In UTC; a time that names no zone is Shanghai's.
TIMES = {
    "2024-09-04T18:00:00Z": datetime(2024, 9, 4, 18),
    "2024-09-04 18:00:00 +08:00": datetime(2024, 9, 4, 10),
    "1969-12-31 23:59:59": datetime(1969, 12, 31, 15, 59, 59),
    "2024-09-04 24:00:00": datetime(2024, 9, 4, 16),
    "20240904": datetime(2024, 9, 3, 16),
    "9999-12-31 23:59:59": datetime(9999, 12, 31, 15, 59, 59),
    "epoch": datetime(1969, 12, 31, 16),
}
# A year of two digits is one of the first century, long before any calendar.
CALENDAR = 1000
MOMENTS = {"event_time": "event_at", "joined_at": "", "left_at": ""}


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
        values = [*CORRUPTIONS, *(OF_JSON if table.format is Format.JSONL else [])]
        changes[entity] = list(product(columns, values))
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
    columns = {
        name
        for (name,) in warehouse.query(
            "select distinct column_name from intermediate.int_rejects"
            f" where entity = '{entity}' and column_name is not null"
        )
    }
    assert columns and columns <= set(names)
    assert not [reason for reason in reasons.values() if reason.partition(": ")[0] in names]
    assert sorted([*staged, *reasons]) == list(range(1, GOOD + len(changes[entity]) + 1))
    assert all(reasons.values()) and not any(staged[row]["cleaned"] for row in range(1, GOOD + 1))
    wrong = []
    for row, (column, value) in enumerate(changes[entity], GOOD + 1):
        if row in staged:
            touched = {column} | FROM.get(column, set()) | OF_THE_ROW
            others = {name: told for name, told in staged[row].items() if name not in touched}
            is_right = others == {name: staged[1][name] for name in others}
            is_right &= _is_right(entity, column, value, staged[row])
        else:
            is_right = column not in IDS[entity] or _id(value) is None or "scientific" in reasons[row]
        if not is_right:
            name = MOMENTS.get(column, column)
            wrong.append((column, str(value)[:50], reasons.get(row) or staged[row].get(name)))
    assert not wrong


def _is_right(entity: str, column: str, value: object, row: dict[str, Any]) -> bool:
    """Whether an accepted row has of a corrupted value what it says, or nothing."""
    found = row.get(MOMENTS.get(column, column))
    text = value if isinstance(value, str) else json.dumps(value)
    expected: object = found
    if column in IDS[entity]:
        expected = _id(value)
    elif (entity, column) in WORDS:
        name, fallback = WORDS[entity, column]
        word = _id(value)
        found, expected = row[name], fallback if word else None
        if (entity, column) == ("events", "device") and not word:
            return found in ("app", "mobile_web", "desktop", "other")  # as the user agent tells
        told = f"{name} unknown: {word.lower().replace(',', ' ')[:40]}" if word else None
        if told and told not in (row["cleaned"] or ""):
            return False
    elif found is None:
        pass
    elif column in NUMBERS:
        expected = _number(text, entity)
    elif column == "currency":
        expected = CURRENCIES.get(text, text.strip().upper())
    elif isinstance(found, datetime) and found.year >= CALENDAR:
        expected = TIMES.get(text)
    return found == expected


def _number(text: str, entity: str) -> Decimal | None:
    try:
        number = Decimal(text.strip()).quantize(Decimal("1.0000"), ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return abs(number) if entity == "refunds" else number


def _id(value: object) -> str | None:
    """What is left of a value as an id."""
    if isinstance(value, bool | list | dict):
        value = json.dumps(value, separators=(",", ":"))
    text = "" if value is None else clean_id(value)
    return text if text and text.lower() not in PLACEHOLDERS else None
