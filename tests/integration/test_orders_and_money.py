"""Every case of an order, by three refund policies side by side, and the money of each to the cent."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from oracle.money import Document, Repayment, book
from sample_world import WORLD, sample_warehouse
from warehouse import Warehouse
from worlds.delivery import by_file, write
from worlds.tables import Row, row

LOAD = date(2024, 9, 30)
FOREVER = date(9999, 12, 31)
POLICIES = ("consumer_asset", "gross", "strict_net")
PAID, LATER = date(2024, 9, 5), date(2024, 9, 12)
BUCKET = "sample_shop_unbranded"
P_DAYS = timedelta(days=913)


def september(day: int) -> str:
    return f"2024-09-{day:02} 12:00:00"


def order(person: str, amount: str, *lines: tuple[str, str], order_id: str = "", **given: str) -> list[Row]:
    """An order of a person, paid on the 5th unless told otherwise, with its (brand, amount) lines."""
    ids = {"order_id": order_id or person}
    told = {"status": "paid", "created_at": september(5), "paid_at": september(5)} | given
    fixed = {"updated_at": september(6), "amount": amount, "deposit": "0", "freight": "0"}
    found = [row("orders", LOAD, **ids, member_id=person, **{"currency": "CNY", **fixed, **told})]
    for number, (brand, line) in enumerate(lines, 1):
        price = {"product_id": "p", "quantity": "1", "unit_price": line, "amount": line}
        found.append(row("order_lines", LOAD, **ids, line_no=str(number), brand=brand, **price))
    return found


def refund(order_id: str, day: int, amount: str, currency: str = "CNY") -> Row:
    """Money that went back on a day of September."""
    ids = {"refund_id": f"r-{order_id}-{day}", "order_id": order_id}
    return row("refunds", LOAD, **ids, refunded_at=september(day), amount=amount, currency=currency)


ROWS = [
    *order("cancelled", "100", ("b", "100"), status="cancelled", paid_at="", cancelled_at=september(6)),
    *order("refunded", "100", ("b", "100")),
    refund("refunded", 10, "30"),
    refund("refunded", 12, "70"),
    *order("in_part", "100", ("b", "100")),
    refund("in_part", 12, "40"),
    *order("presale", "120", ("b", "120"), created_at=september(1), paid_at=september(12)),
    *order("gift", "0", ("b", "0")),
    *order("twice", "50", ("b", "50"), order_id="twice_1"),
    *order("twice", "50", ("b", "50"), order_id="twice_2"),
    refund("twice_1", 10, "50"),
    refund("twice_2", 12, "50"),
    *order("at_once", "100", ("b", "100")),
    refund("at_once", 5, "100"),
    *order("mixed", "110", ("b", "60"), ("c", "40")),
    *order("thirds", "100", ("b", "10"), ("c", "10"), ("d", "10")),
    *order("with_gift", "80", ("b", "0"), ("c", "80")),
    *order("unbranded", "25", ("", "25")),
    *order("", "70", ("b", "70"), order_id="nobody"),
    *order("abroad", "100", ("b", "100")),
    refund("abroad", 12, "100", "USD"),
    refund("", 12, "30"),
    *order("before", "100", ("b", "100")),
    refund("before", 3, "100"),
    *order("untold", "90", ("b", "90")),
    refund("untold", 15, ""),
    *order("half_told", "80", ("b", "80")),
    refund("half_told", 16, ""),
    refund("half_told", 17, "-10"),
    *order("unpriced", "60", ("b", ""), ("c", ""), paid_at=september(18)),
    refund("unpriced", 19, "60"),
    *order("discounted", "90", ("b", "100"), ("", "-10"), paid_at=september(20)),
    *order("dollars", "100", ("b", "100"), paid_at=september(21), currency="US$"),
    refund("dollars", 22, "710"),
    *order("no_price", "", ("b", "10"), paid_at=september(23)),
    *order("no_currency", "10", ("b", "10"), paid_at=september(24), currency=""),
    *order("only_gift", "15", ("b", "0"), paid_at=september(25)),
    refund("only_gift", 26, "5"),
    row("events", LOAD, event_id="e", event_time=september(5), brand="b", event="page_view"),
]

# By person: how long P lasts, by policy (as known, gross, net in hindsight); None for never.
FULL = (PAID, PAID + P_DAYS)
P_WITH_B: dict[str, tuple[tuple[date, date] | None, ...]] = {
    "refunded": ((PAID, LATER), FULL, None),
    "in_part": (FULL, FULL, FULL),
    "presale": ((LATER, LATER + P_DAYS),) * 3,
    "twice": ((PAID, LATER), FULL, None),
    "at_once": (None, FULL, None),
    "mixed": (FULL, FULL, FULL),
    "thirds": (FULL, FULL, FULL),
    "abroad": (FULL, FULL, FULL),
    "before": (None, FULL, None),
    **dict.fromkeys(("untold", "half_told"), (FULL,) * 3),
    **{
        person: ((date(2024, 9, day), date(2024, 9, day) + P_DAYS),) * 3
        for person, day in {"discounted": 20, "dollars": 21, "no_price": 23, "no_currency": 24}.items()
    },
    "unpriced": (
        (date(2024, 9, 18), date(2024, 9, 19)),
        (date(2024, 9, 18), date(2024, 9, 18) + P_DAYS),
        None,
    ),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The cases, with no other day delivered: the horizon is only what the first load covers, if it came."""
    folder = tmp_path_factory.mktemp("orders")
    dumps = folder / "dumps"
    write(by_file(ROWS), dumps)
    sources = folder / "sources.yml"
    declared = (Path(__file__).parents[2] / "sources.yml").read_text(encoding="utf-8")
    assert "starts_on: 2024-09-01" in declared
    sources.write_text(declared.replace("starts_on: 2024-09-01", "starts_on: 2024-09-29"), encoding="utf-8")
    warehouse = Warehouse(folder / "home", sources)
    warehouse.load("sample_shop", dumps)
    marts = ["dim_brand", "fct_aipl_stage_history", "fct_money_daily", "fct_orders"]
    warehouse.build({"aipl_presets": list(POLICIES)}, only=marts)
    return warehouse


@pytest.mark.parametrize(("position", "preset"), list(enumerate(POLICIES)))
def test_stage_by_policy(warehouse: Warehouse, position: int, preset: str) -> None:
    found = warehouse.query(
        "select split_part(person_id, ':', 3), valid_from, valid_to from marts.fct_aipl_stage_history "
        f"where preset = '{preset}' and brand_id = 'b' and stage = 'P'"
    )
    assert {person: (since, until) for person, since, until in found} == {
        person: spans[position] for person, spans in P_WITH_B.items() if spans[position]
    }
    assert len(found) == len({person for person, *_ in found})
    loyal = f"select count(*) from marts.fct_aipl_stage_history where preset = '{preset}' and stage = 'L'"
    assert warehouse.query(loyal) == [(0,)], "two orders of one day make nobody loyal"


def test_a_line_without_a_brand_is_of_the_bucket_and_a_gift_is_bought_by_nobody(warehouse: Warehouse) -> None:
    bought = warehouse.query(
        "select brand_id, split_part(person_id, ':', 3) from marts.fct_aipl_stage_history "
        "where preset = 'gross' and stage = 'P' and brand_id <> 'b' order by all"
    )
    assert bought == [
        ("c", "mixed"),
        ("c", "thirds"),
        ("c", "unpriced"),
        ("c", "with_gift"),
        ("d", "thirds"),
        (BUCKET, "unbranded"),
    ]


def test_an_order_without_a_person_is_kept_and_counted(warehouse: Warehouse) -> None:
    unattributed = "select unattributed_orders from marts.dim_brand where brand_id = 'b'"
    assert warehouse.query(unattributed) == [(1,)]
    assert warehouse.query("select amount from marts.fct_orders where person_id is null") == [(Decimal(70),)]


FIGURES = (
    "paid_orders, unknown_amount_orders, gross_paid_amount, refunded_amount, unknown_amount_refunds, "
    "refunded_as_known, unknown_amount_refunds_as_known, net_by_refund_day, net_as_known"
)


def test_money_to_the_cent(warehouse: Warehouse) -> None:
    found = warehouse.query(
        f"select brand_id, currency, day(money_date), {FIGURES} from marts.fct_money_daily"
    )
    expected = [
        # 100 refunded, 100 in part, 2 x 50, 100 at once, 66 mixed, 33.33 thirds, 70 nobody,
        # 100 abroad, 100 before, 90 untold, 80 half told; two of their refunds have no amount
        ("b", "CNY", 5, 12, 0, "939.33", "100", 0, "450", 2, "839.33", "489.33"),
        ("b", "CNY", 3, 0, 0, "0", "100", 0, "0", 0, "-100", "0"),
        ("b", "CNY", 10, 0, 0, "0", "80", 0, "0", 0, "-80", "0"),
        ("b", "CNY", 12, 1, 0, "120", "160", 0, "0", 0, "-40", "120"),
        ("b", "USD", 5, 0, 0, "0", "0", 0, "100", 0, "0", "-100"),
        ("b", "USD", 12, 0, 0, "0", "100", 0, "0", 0, "-100", "0"),
        *[("b", "CNY", day, 0, 0, "0", None, 1, "0", 0, None, "0") for day in (15, 16)],
        ("b", "CNY", 17, 0, 0, "0", "10", 0, "0", 0, "-10", "0"),
        # Of two brands without prices, each was bought for nobody knows what; the bucket has the money.
        *[(brand, "CNY", 18, 1, 1, None, "0", 0, None, 1, None, None) for brand in ("b", "c")],
        *[(brand, "CNY", 19, 0, 0, "0", None, 1, "0", 0, None, "0") for brand in ("b", "c")],
        (BUCKET, "CNY", 18, 1, 0, "60", "0", 0, "60", 0, "60", "0"),
        (BUCKET, "CNY", 19, 0, 0, "0", "60", 0, "0", 0, "-60", "0"),
        ("b", "CNY", 20, 1, 0, "90", "0", 0, "0", 0, "90", "90"),
        ("b", "USD", 21, 1, 0, "100", "0", 0, "0", 0, "100", "100"),
        ("b", "CNY", 21, 0, 0, "0", "0", 0, "710", 0, "0", "-710"),
        ("b", "CNY", 22, 0, 0, "0", "710", 0, "0", 0, "-710", "0"),
        ("b", "CNY", 23, 1, 1, None, "0", 0, "0", 0, None, None),
        ("b", "unknown", 24, 1, 0, "10", "0", 0, "0", 0, "10", "10"),
        # 44 mixed, 33.34 thirds, 80
        ("c", "CNY", 5, 3, 0, "157.34", "0", 0, "0", 0, "157.34", "157.34"),
        ("d", "CNY", 5, 1, 0, "33.33", "0", 0, "0", 0, "33.33", "33.33"),
        (BUCKET, "CNY", 5, 1, 0, "25", "0", 0, "0", 0, "25", "25"),
        (BUCKET, "CNY", 12, 0, 0, "0", "30", 0, "30", 0, "-30", "-30"),
        # What is paid for nothing but a gift is money of no brand.
        (BUCKET, "CNY", 25, 1, 0, "15", "0", 0, "5", 0, "15", "10"),
        (BUCKET, "CNY", 26, 0, 0, "0", "5", 0, "0", 0, "-5", "0"),
    ]
    assert set(found) == {
        tuple(
            Decimal(figure) if isinstance(figure, str) and at > 2 else figure for at, figure in enumerate(row)
        )
        for row in expected
    }


@pytest.mark.parametrize(
    ("order_id", "status", "refunded", "others"),
    [
        ("dollars", "paid", Decimal(0), 1),
        ("abroad", "paid", Decimal(0), 1),
        ("before", "refunded", Decimal(100), 0),
        ("untold", "paid", None, 0),
        ("half_told", "paid", None, 0),
        ("in_part", "paid", Decimal(40), 0),
    ],
)
def test_what_went_back_of_an_order(
    warehouse: Warehouse, order_id: str, status: str, refunded: Decimal | None, others: int
) -> None:
    assert warehouse.query(
        "select status, refunded_amount, other_currency_refunds from marts.fct_orders"
        f" where order_id = '{order_id}'"
    ) == [(status, refunded, others)]


def test_money_of_the_sample_shop_agrees_with_brute_force() -> None:
    warehouse = sample_warehouse()
    lines: dict[str, list[tuple[str, Decimal | None]]] = {}
    brand_of: dict[tuple[str, str], str] = {}
    for order_id, line_id, brand, amount in warehouse.query(
        "select order_id, line_id, brand_id, amount from intermediate.int_order_lines where is_current"
    ):
        lines.setdefault(order_id, []).append((brand, amount))
        brand_of[order_id, line_id] = brand
    documents = {
        order_id: Document(
            paid if amount and not cancelled else None, amount, currency, lines.get(order_id, ())
        )
        for order_id, paid, amount, currency, cancelled in warehouse.query(
            "select order_id, paid_date, amount, currency, coalesce(cancelled_at <= paid_at, false) "
            "from intermediate.int_orders where is_current"
        )
    }
    repayments = []
    for order_id, line_id, day, amount, currency in warehouse.query(
        "select order_id, line_id, refunded_on, amount, currency from intermediate.int_refunds"
        " where is_current"
    ):
        document, named = documents.get(order_id), brand_of.get((order_id, line_id))
        # Only of what was paid for a line can be given back.
        is_bought = document is not None and document.paid_on is not None and named in document.bought
        repayments.append(Repayment(document, day, amount, currency, named if is_bought else None))
    horizon = WORLD.start + timedelta(days=WORLD.days - 1)
    found = {
        (brand, currency, day): figures
        for brand, currency, day, *figures in warehouse.query(
            f"select brand_id, currency, money_date, {FIGURES} from marts.fct_money_daily"
        )
    }
    booked = book(documents.values(), repayments, BUCKET, horizon)
    assert len(booked) > 60
    assert found == {key: list(day.figures) for key, day in booked.items()}
