"""A second shop of a brand that begins after the brand's horizon, and one whose orders name no buyers."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from two_shops import SHOP, make, shops
from warehouse import OwnWarehouse
from worlds.delivery import by_file, write
from worlds.tables import Row, row

from expectations.results import GateResult
from expectations.runner import run_marts
from orchestration.quality.mart_gate import gate_suites

FIRST, HORIZON, LATER = date(2024, 9, 28), date(2024, 9, 29), date(2024, 10, 1)


def view(load: date, day: date, brand: str, visitor: str) -> Row:
    """A product that somebody looked at."""
    ids = {"event_id": f"{brand}{visitor}{day}", "visitor_id": visitor, "brand": brand}
    return row("events", load, **ids, event="product_view", event_time=f"{day} 12:00:00")


def paid(load: date, day: date, brand: str, order_id: str, member: str = "") -> list[Row]:
    """An order paid on a day."""
    times = dict.fromkeys(("updated_at", "created_at", "paid_at"), f"{day} 12:00:00")
    told = {"status": "paid", "amount": "10", "currency": "CNY"}
    lines = {"line_no": "1", "brand": brand, "quantity": "1", "amount": "10"}
    return [
        row("orders", load, order_id=order_id, member_id=member, **times, **told),
        row("order_lines", load, order_id=order_id, **lines),
    ]


def two_shops(folder: Path, rows: dict[str, list[Row]], entries: dict[str, Any]) -> OwnWarehouse:
    """Two shops with their rows, built."""
    warehouse = shops(folder, entries)
    load(warehouse, folder, rows)
    return warehouse


def load(warehouse: OwnWarehouse, folder: Path, rows: dict[str, list[Row]]) -> None:
    """Deliver rows by source, and build."""
    for source, delivered in rows.items():
        write(by_file(delivered), folder / source)
        warehouse.load(source, folder / source)
    warehouse.build()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> OwnWarehouse:
    """Two shops with a brand in common; one of them begins after the horizon of the other."""
    early: dict[str, Any] = {**SHOP, "starts_on": FIRST, "brands": {}}
    late = {key: value for key, value in early.items() if key != "starts_on"}
    of_early = [view(date(2024, 9, 29), FIRST, "b", "v"), view(date(2024, 9, 30), HORIZON, "b", "w")]
    of_early += paid(date(2024, 9, 30), HORIZON, "b", "o", "m")
    of_late = [view(date(2024, 10, 2), LATER, "b", "x"), view(date(2024, 10, 2), LATER, "till", "x")]
    of_late += [one for n in range(3) for one in paid(date(2024, 10, 2), LATER, "till", f"t{n}")]
    rows = {"sample_shop": of_early, "late": of_late}
    return two_shops(tmp_path_factory.mktemp("shared"), rows, {"sample_shop": early, "late": late})


def judged(warehouse: OwnWarehouse) -> GateResult:
    """What the mart gate says."""
    return run_marts(warehouse.settings.warehouse, gate_suites(warehouse.settings))


def test_a_source_that_begins_after_the_horizon_takes_no_day(warehouse: OwnWarehouse) -> None:
    days = warehouse.query("select brand_id, first_day, horizon from marts.dim_brand order by all")
    assert days == [("b", FIRST, HORIZON), ("till", LATER, LATER)]
    stock = warehouse.query(
        "select as_of_date, stage, persons from marts.fct_aipl_daily"
        " where brand_id = 'b' and persons > 0 and stage in ('I', 'P') order by all"
    )
    assert stock == [(FIRST, "I", 1), (HORIZON, "I", 2), (HORIZON, "P", 1)]


def test_orders_without_buyers_are_published_and_told(warehouse: OwnWarehouse) -> None:
    result = judged(warehouse)
    assert result.outcome == "passed", result.summary_lines()
    (told,) = [warning for warning in result.warnings if warning.name == "orders_have_buyers"]
    found = [(one["brand_id"], one["purchases"], one["source_id"]) for one in told.examples]
    assert found == [("till", 3, "late")]
    assert warehouse.query(
        "select paid_orders, gross_paid_amount from marts.fct_money_daily where brand_id = 'till'"
    ) == [(3, 30)]


def test_nobody_at_all_is_published(tmp_path: Path) -> None:
    warehouse = make(tmp_path, {"sample_shop": {**SHOP, "starts_on": FIRST}})
    load = date(2024, 9, 29)
    write(by_file([view(load, FIRST, "b", ""), *paid(load, FIRST, "b", "o")]), tmp_path / "dumps")
    warehouse.load("sample_shop", tmp_path / "dumps")
    warehouse.build()
    result = judged(warehouse)
    assert result.outcome == "passed", result.summary_lines()
    assert {"has_rows", "orders_have_buyers"} <= {warning.name for warning in result.warnings}
    assert warehouse.query("select count(*) > 364 from marts.dim_date") == [(True,)]


def test_a_product_that_both_list_is_on_sale_when_either_says_so(tmp_path: Path) -> None:
    """Not between the two times, once in a week that holds both, and elsewhere once it is another brand's."""
    monday = date(2024, 9, 23)
    days = [monday + timedelta(days=n) for n in range(7)]
    entry = {**SHOP, "starts_on": monday, "brands": {}, "identity_space": "shops"}

    def listed(load: date, brand: str, listed_on: date, delisted_on: date | None) -> Row:
        told = {"product_id": "p", "brand": brand, "name": "thing", "updated_at": f"{load} 00:00:00"}
        return row("products", load, **told, listed_on=str(listed_on), delisted_on=str(delisted_on or ""))

    views = [view(day + timedelta(days=1), day, brand, "v") for day in days for brand in ("b", "c")]
    rows = {
        "sample_shop": [*views, listed(days[1], "b", days[0], days[1])],
        "late": [*views, listed(days[1], "b", days[3], None)],
    }
    warehouse = two_shops(tmp_path, rows, {"sample_shop": entry, "late": entry})

    def on_sale(brand: str) -> list[int]:
        found = warehouse.query(
            f"select products_on_sale from marts.fct_scorecard where brand_id = '{brand}' and slice = 'all'"
            " and period_type in ('day', 'week') order by period_id"
        )
        return [int(count) for (count,) in found]

    assert (on_sale("b"), on_sale("c")) == ([1, 1, 0, 1, 1, 1, 1, 1], [0] * 8)
    after = days[-1] + timedelta(days=1)
    load(warehouse, tmp_path, {"late": [*views, listed(after, "c", days[3], days[5])]})
    assert (on_sale("b"), on_sale("c")) == ([1, 1, 0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1, 0, 1])
