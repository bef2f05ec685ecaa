"""Numbers with another decimal mark: as declared, else a reject with a reason, never another number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import yaml
from warehouse import Warehouse
from worlds.delivery import by_file, write
from worlds.tables import row

from expectations.profile import _plain
from orchestration.core.settings import PROJECT_ROOT

LOAD, NOON = date(2024, 9, 30), "2024-09-05 12:00:00"
# How an amount is written, and what it is with a declared comma, with a declared point, and without either.
# None: no number.
WRITTEN = {
    "1.234,56": ("1234.56", None, None),
    "12,50": ("12.5", None, None),
    "1.234": ("1234", "1.234", "1.234"),
    "1234,5": ("1234.5", None, None),
    "-1 234 567,8": ("-1234567.8", None, None),
    "1\u202f234": ("1234", "1234", None),
    "1\u2019234.50": (None, "1234.5", None),
    "1,234.56": (None, "1234.56", None),
    "12.34.56": (None, None, None),
    "7": ("7", "7", "7"),
    "12,": ("12", None, None),
    "1.23": (None, "1.23", "1.23"),
    "12,50 EUR": (None, None, None),
}
MARKS: dict[str, tuple[int, dict[str, Any]]] = {
    # Of the source, but that its refunds write a point.
    "comma": (0, {"decimal_mark": ",", "refunds": "."}),
    "point": (1, {"decimal_mark": "."}),
    "none": (2, {}),
}

Staged = Callable[[str], dict[str, Decimal | str]]


@pytest.fixture(scope="module", params=MARKS)
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Warehouse]:
    """Orders, lines and refunds of these amounts, each named by it."""
    folder = tmp_path_factory.mktemp("marks")
    document = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text(encoding="utf-8"))
    shop, declared = document["sources"]["sample_shop"], dict(MARKS[request.param][1])
    if mark := declared.pop("refunds", None):
        shop["tables"]["refunds"]["decimal_mark"] = mark
    shop |= declared
    sources = folder / "sources.yml"
    sources.write_text(yaml.safe_dump(document), encoding="utf-8")
    rows = [row("events", LOAD, event_id="e", event_time=NOON, brand="b", event="page_view")]
    for text in WRITTEN:
        ids, told = {"order_id": text}, {"amount": text, "currency": "CNY"}
        times = {"updated_at": NOON, "created_at": NOON, "paid_at": NOON, "status": "paid"}
        rows += [
            row("orders", LOAD, **ids, **told, **times),
            row("order_lines", LOAD, **ids, line_no="1", brand="b", amount="1", quantity=text),
            row("refunds", LOAD, **ids, **told, refund_id=text, refunded_at=NOON),
        ]
    write(by_file(rows), folder / "dumps")
    warehouse = Warehouse(folder / "home", sources)
    warehouse.load("sample_shop", folder / "dumps")
    warehouse.build(only=["int_rejects", "int_orders", "int_order_lines", "int_refunds"])
    return request.param, warehouse


@pytest.mark.parametrize(
    ("entity", "column"), [("orders", "amount"), ("order_lines", "quantity"), ("refunds", "amount")]
)
def test_a_number_is_what_its_mark_makes_it_or_a_reject(
    staged: tuple[str, Warehouse], entity: str, column: str
) -> None:
    declared, warehouse = staged
    position = MARKS["point" if (declared, entity) == ("comma", "refunds") else declared][0]
    expected: dict[str, Any] = {
        text: f"{column} that is not a number" if (read := numbers[position]) is None else Decimal(read)
        for text, numbers in WRITTEN.items()
    }
    if entity == "refunds":
        expected = {text: abs(n) if isinstance(n, Decimal) else n for text, n in expected.items()}
    found = dict(warehouse.query(f"select order_id, {column} from intermediate.int_{entity}"))
    rejected = warehouse.query(
        f"select raw_row ->> 'order_id', reason from intermediate.int_rejects where entity = '{entity}'"
    )
    assert len(found) + len(rejected) == len(WRITTEN)
    assert found | dict(rejected) == expected


@pytest.mark.parametrize("mark", [",", "."])
def test_the_arrival_gate_reads_the_same_numbers(mark: str) -> None:
    position = MARKS["comma" if mark == "," else "point"][0]
    with duckdb.connect() as connection:
        for text, numbers in WRITTEN.items():
            query = f"select try_cast({_plain('v', mark)} as decimal(18, 4)) from (select ? as v)"
            (found,) = connection.execute(query, [text]).fetchall()[0]
            assert found == (None if numbers[position] is None else Decimal(numbers[position])), text
