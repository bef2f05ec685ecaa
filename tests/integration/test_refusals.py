"""What is told of a refused load: the rule, what was found, what is usual, and a cure that is followed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from unit.shop_home import ShopHome

from expectations.figures import form
from orchestration.arrival.receive import receive
from orchestration.sources.source import Source
from orchestration.sources.table import Table

DAY = date(2024, 9, 2)
HEADER = "id,kind,amount,at,note"
Row = dict[str, str]
Entry = dict[str, Any]


def rows(count: int, day: date = DAY) -> list[Row]:
    return [
        {
            "id": f"{day}-{n}",
            "kind": "view",
            "amount": "5",
            "at": f"{day - timedelta(days=1)} 09:00",
            "note": "é",
        }
        for n in range(count)
    ]


ORDERS: Entry = {
    "files": "orders_{load_date}.csv",
    "format": "csv",
    "columns": {"required": ["id", "kind", "amount", "at", "note"]},
    "key": ["id"],
    "not_null": ["kind"],
    "vocabulary": {"kind": ["view", "cart"]},
    "amounts": {"amount": [0, 1000]},
    "event_time": {"column": "at"},
}
TABLES = {"orders": ORDERS}


class Shop(ShopHome):
    tables = TABLES

    def load(self, found: list[Row], day: date = DAY, extra: str = "") -> str:
        """Deliver the rows of a day; why its load is refused, or nothing."""
        lines = [",".join(row.values()) for row in found]
        self.write(f"orders_{day}.csv", "\n".join([HEADER, *lines]) + "\n" + extra)
        return self.judge(day)

    def judge(self, day: date = DAY) -> str:
        receive(self.settings, self.source, [day], None, self.today)
        (load,) = [load for load in self.arrival.of("shop").loads if load.load_date == day]
        assert (load.state == "refused") == bool(load.reason)
        return load.reason or ""


def changed(count: int, **values: str) -> Callable[[], list[Row]]:
    """A hundred rows of which some have other values."""
    return lambda: [row | values if n < count else row for n, row in enumerate(rows(100))]


@dataclass
class Fault:
    """Rows that are refused, what is said of them, and what is declared when the cure is followed."""

    found: Callable[[], list[Row]]
    told: list[str]
    table: Entry = field(default_factory=dict)
    entry: Entry = field(default_factory=dict)
    extra: str = ""
    before: Entry = field(default_factory=dict)


FAULTS = {
    "no rows": Fault(
        list, ["at least one readable row; found: 0 rows.", "`may_be_empty: true`"], {"may_be_empty": True}
    ),
    "unreadable rows": Fault(
        lambda: rows(80),
        [
            "at most 1% of a load's rows are unreadable",
            "20 of 100 records, such as 2 fields where 5 are expected (20).",
            "aipl rejects --source shop",
        ],
        entry={"max_unreadable_share": 0.3},
        extra="1,2\n" * 20,
    ),
    "an empty column": Fault(
        changed(30, kind=""),
        [
            "lack kind; found: 30 of 100 rows (30.0% of the rows).",
            "take it out of `not_null` of `orders`",
        ],
        {"not_null": []},
    ),
    "a new word": Fault(
        changed(20, kind="gift card"),
        [
            "outside the declared vocabulary",
            "20.0% of the values",
            "such as gift card (20)",
            "`vocabulary: {kind",
        ],
        {"vocabulary": {"kind": ["view", "cart", "gift card"]}},
    ),
    "amounts in words": Fault(
        changed(30, amount="12.50 EUR"),
        ["amount are not numbers", "such as 99.99 aaa (30)", "take it out of `amounts`"],
        {"amounts": {}},
    ),
    "negative amounts": Fault(
        changed(40, amount="-45.00"),
        [
            "amount are outside 0 to 1,000",
            "40.0% of the values",
            "such as -99.99 (40)",
            "{amount: [0, 1000]}",
        ],
        {"amounts": {"amount": [-100, 1000]}},
    ),
    "day and month in each other's place": Fault(
        changed(100, at="01/11/2024 09:00"),
        [
            "more than a day after its load date",
            "100.0% of the rows",
            "such as 01/11/2024 09:00 (100)",
            "format",
        ],
        {"event_time": {"column": "at", "format": "%m/%d/%Y %H:%M"}},
        before={"event_time": {"column": "at", "format": "%d/%m/%Y %H:%M"}},
    ),
    "a wrong encoding": Fault(
        lambda: rows(100),
        ["wrongly decoded text; found: 100.0% of the rows", "Correct `encoding` of `orders`"],
        {"encoding": "utf-8"},
        before={"encoding": "latin-1"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_refusal_is_explained_and_cured_by_what_it_says(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    shop = Shop(tmp_path, tables={"orders": ORDERS | fault.before})
    reason = shop.load(fault.found(), extra=fault.extra)
    assert reason.startswith("shop.orders: ")
    assert reason.endswith("Then `aipl run`.")
    for words in fault.told:
        assert words in reason, reason
    keys = {*Table.model_fields, *Source.model_fields, "orders", "shop"}
    assert set(re.findall(r"`(\w+)(?::[^`]*)?`", reason)) <= keys, reason
    shop.declare(tables={"orders": ORDERS | fault.table}, **fault.entry)
    assert shop.judge() == ""


def test_a_holiday_is_told_with_both_figures_and_let_in_once_it_is_called_unusual(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for week in range(6, 0, -1):
        day = DAY - timedelta(weeks=week)
        assert shop.load(rows(700 + week, day), day) == ""
    reason = shop.load(rows(30))
    assert "at least 10% of its usual rows" in reason
    assert "found: 30 rows against usually 704 (the median of that weekday in 6 weeks)" in reason
    assert f"`unusual_dates: [{DAY}]`" in reason
    shop.declare(unusual_dates=[DAY])
    assert shop.judge() == ""


def test_a_daily_table_that_did_not_come_is_told_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path, tables={"orders": ORDERS, "refunds": ORDERS | {"files": "refunds_{load_date}.csv"}})
    assert "shop.refunds: a load has at least one readable row; found: no dump came." in shop.load(rows(5))


def test_values_that_may_be_somebodys_are_shown_by_their_form() -> None:
    assert form("+49 170 123") == "+99 999 999"
    assert form("Anna Müller, 12,50 €") == "aaaa aaaaaa, 99,99 €"
    assert len(form("x" * 100)) == 40
