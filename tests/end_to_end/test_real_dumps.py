"""Real dumps that nobody here made, five sources in one warehouse, against totals counted from the files."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from commands import said
from oracle import taobao
from oracle.stages import daily_stock, stage_history, walk
from warehouse import Warehouse

from orchestration.core.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def warehouse(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Online Retail through the program itself, 305 loads in one run; then the others beside it."""
    home = tmp_path_factory.mktemp("real")
    said(home, "run", "--source", "online_retail", "--dumps", str(shared_data / "online_retail"))
    warehouse = Warehouse(home)
    for source in ("taobao_user_behavior", "rees46", "olist", "cdnow"):
        warehouse.load(source, shared_data / source)
    assert not warehouse.build(), "sources are added to a warehouse that stands"
    return warehouse


# Of a source and a table what its files say.
TOTALS = """
online_retail files: count(distinct load_date) = 305, sum(row_count) = 541909, sum(unreadable_count) = 0
online_retail fct_order_lines: count(*) = 541909, sum(amount) = 9747747.9340
online_retail fct_order_lines: sum(amount) filter (order_id not like 'C%') = 10644560.4240
online_retail fct_order_lines: count(*) filter (order_id like 'C%') = 9288
online_retail fct_order_lines: count(*) filter (is_duplicate) = 5268
online_retail fct_orders: count(*) = 25900, count(distinct person_id) = 4372, sum(amount) = 9747747.9340
olist fct_orders: count(*) = 15000, count(distinct person_id) = 14904, sum(amount) = 2397904.5600
olist fct_orders: sum(amount) filter (status = 'cancelled') = 42076.2900
rees46 fct_orders: count(*) = 200, sum(amount) = 59442.6300
rees46 fct_order_lines: count(*) = 214, sum(amount) = 59442.6300
rees46 fct_order_lines: count(*) filter (brand_id = 'rees46_unbranded') = 18
rees46 fct_order_lines: sum(amount) filter (brand_id = 'rees46_unbranded') = 2836.9500
cdnow fct_orders: count(*) = 69659, count(distinct person_id) = 23570, sum(amount) = 2500315.6300
cdnow fct_orders: count(*) filter (not is_purchase) = 80
cdnow fct_order_lines: count(*) filter (is_duplicate) = 255
taobao_user_behavior int_rejects: count(*) = 0
taobao_user_behavior int_events: count(distinct product_id) filter (touch_kind = 'product_view') = 52063
rees46 int_events: count(distinct session_id) = 5066
olist int_orders: sum(freight_amount) = 340292.6700, count(*) filter (region = 'SP') = 6372
olist int_reviews: count(product_id) = 14373
online_retail int_order_lines: sum(amount) filter (line_kind = 'freight') = 279462.1200
online_retail int_orders: count(distinct region) = 38
"""


def test_totals_are_those_of_the_files(warehouse: Warehouse) -> None:
    files = f"read_parquet('{warehouse.settings.arrival}/files.parquet')"
    for line in TOTALS.strip().splitlines():
        about, totals = line.split(": ")
        source, table = about.split()
        schema = "intermediate" if table.startswith("int_") else "marts"
        read = f"{files if table == 'files' else f'{schema}.{table}'} where source_id = '{source}'"
        for asked, expected in (total.rsplit(" = ", 1) for total in totals.split(", ")):
            assert warehouse.query(f"select ({asked})::varchar from {read}") == [(expected,)], (line, asked)


def test_stock_is_that_of_the_files(warehouse: Warehouse) -> None:
    for brand, day, expected in (
        ("taobao", "2017-12-03", {"A": 0, "I": 256, "P": 251, "L": 308}),
        ("olist", "2018-08-29", {"A": 0, "I": 0, "P": 3414, "L": 11414}),
        ("cdnow", "1998-06-30", {"A": 0, "I": 0, "P": 18389, "L": 5113}),
    ):
        found = warehouse.query(
            "select stage, persons from marts.fct_aipl_daily"
            f" where brand_id = '{brand}' and as_of_date = '{day}'"
        )
        assert dict(found) == expected, brand


# Of a brand and a first day: what opened and converted, and how often visitors went from class to class.
CONVERSION = """
taobao cart_to_pay_7d 2017-11-25 day: 455 43
taobao cart_to_pay_7d 2017-11-26 day: 437 41
taobao cart_to_pay_7d 2017-11-28 year: None None
taobao cart_to_pay_7d_person 2017-11-25 day: 201 145
taobao cart_to_pay_7d_person 2017-11-26 day: 194 143
taobao cart_to_pay_7d_person 2017-11-28 year: None None
taobao favorite_to_pay_7d 2017-11-25 day: 212 12
taobao favorite_to_pay_7d 2017-11-26 day: 269 17
taobao favorite_to_pay_7d 2017-11-28 year: None None
taobao view_to_cart_1d 2017-11-25 day: 6884 45
taobao view_to_cart_1d 2017-11-26 day: 6816 47
taobao view_to_pay_1d 2017-11-25 day: 569 86
taobao view_to_pay_1d 2017-11-26 day: 587 105
olist order_to_pay_3d 2018-05-01 month: 1052 1017
online_retail repurchase_30d 2011-03-01 month: 1222 455
online_retail repurchase_90d 2011-03-01 month: 1222 821
"""
TAOBAO_WEEK = {("(entry)", "product"): 10727, ("product", "product"): 49336, ("product", "(exit)"): 10727}


def test_conversion_and_paths_are_those_of_the_files(warehouse: Warehouse) -> None:
    for line in CONVERSION.strip().splitlines():
        about, expected = line.split(": ")
        brand, rule, day, length = about.split()
        found = warehouse.query(
            "select sum(opened), sum(converted) from marts.fct_conversion"
            f" where brand_id = '{brand}' and rule_id = '{rule}'"
            f" and opened_on >= '{day}' and opened_on < date '{day}' + interval 1 {length}"
        )
        assert " ".join(map(str, *found)) == expected, about
    moves = warehouse.query(
        "select from_class, to_class, moves from marts.fct_path_flow"
        " where brand_id = 'taobao' and period_id = 'week:2017-11-27'"
    )
    assert {(came, went): times for came, went, times in moves} == TAOBAO_WEEK


# Of brands and periods what their rows of traffic, trade and growth must show: conditions, and columns.
FIGURES = Path(__file__).with_name("figures_of_real_dumps.txt")
# The same of several rows together.
SUMS = """
count(*) filter (is_hit) from product_ranking where brand_id = 'online_retail' and ranking = 'paid_amount'\
 and period_id = 'four_weeks:2011-11-07' -> 168
count(*), count(*) filter (verdict = 'fall'), count(*) filter (verdict = 'rise') from abnormal_products\
 where brand_id = 'online_retail' and measure = 'units' and period_id = 'week:2011-11-21' -> 1117 34 156
count(*), count(*) filter (is_entered), count(*) filter (is_left), sum(gain), sum(retain), sum(boost),\
 sum(gain) filter (is_entered or is_left), sum(gain + retain + boost + other_change) from fct_grow\
 where brand_id = 'olist' and period_id = 'quarter:2018-04-01' and comparison_kind = 'previous'\
 and money_basis = 'gross' and buyer_class = 'all' -> 65 2 3 -6163.01 -506.67 21765.16 2362.68 15095.47
sum(other_change) filter (category_id = '(none)' and money_basis = 'gross'),\
 sum(other_change) filter (category_id = '(documents)'),\
 sum(gain + retain + boost + other_change) filter (money_basis = 'gross'),\
 sum(gain + retain + boost + other_change) filter (money_basis = 'net_as_known') from fct_grow\
 where brand_id = 'online_retail' and comparison_kind = 'previous' and buyer_class = 'all'\
 and period_id = 'month:2011-11-01' -> 232018.44 36534.55 354517.03 391051.58
count(*) from fct_comparison where brand_id = 'online_retail' and comparison_kind = 'year_ago'\
 and period_id in ('week:2011-11-28', 'month:2011-12-01', 'year:2011-01-01') -> 0
"""
# Of complete_journey, which is built without the others.
SUMS_OF_COMPLETE_JOURNEY = """
count(*), sum(gain), sum(retain), sum(boost), sum(gain) filter (is_entered or is_left),\
 sum(gain + retain + boost + other_change) from fct_grow\
 where period_id = 'quarter:2017-04-01' and comparison_kind = 'previous'\
 and money_basis = 'gross' and buyer_class = 'all' -> 300 42493.14 -7091.30 11269.64 375.29 46671.48
count(*) from campaign_effect where campaign_id in ('24', '25', '26', '27') -> 0
count(*) filter (period_type = 'campaign'), count(*) filter (period_type = 'baseline') from dim_period\
 where campaign_id in ('24', '25', '26', '27') -> 1 0
"""


def agrees(found: object, told: str) -> bool:
    """Whether a value is what is told, as far as that has decimals."""
    if found is None or told == "NULL":
        return found is None and told == "NULL"
    if isinstance(found, str | date | bool):
        return str(found) == told
    return abs(float(str(found)) - float(told)) <= 0.51 * 10 ** -len(told.partition(".")[2])


def not_shown(warehouse: Warehouse, lines: list[str], sums: str) -> list[tuple[object, ...]]:
    """Those figures that the marts do not show, with what they show instead."""
    wrong: list[tuple[object, ...]] = []
    for line in lines:
        brand, mart, *conditions, columns = line.split(" | ")
        told = dict(column.split(" ") for column in columns.split(", "))
        asked = [f"brand_id = '{brand}'"]
        for condition in conditions:
            name, _, value = (
                condition.partition(" ") if ":" not in condition else ("period_id", "", condition)
            )
            asked.append(f"{name} = '{value}'")
        rows = warehouse.query(f"select {', '.join(told)} from marts.{mart} where {' and '.join(asked)}")
        if len(rows) != 1:
            wrong.append((line, rows))
            continue
        wrong += [
            (line, name, value)
            for (name, expected), value in zip(told.items(), rows[0], strict=True)
            if not agrees(value, expected)
        ]
    for line in sums.strip().splitlines():
        query, _, expected = line.partition(" -> ")
        (row,) = warehouse.query(f"select {query.replace(' from ', ' from marts.')}")
        if not all(map(agrees, row, expected.split(" "))):
            wrong.append((line, row))
    return wrong


def figures(of_complete_journey: bool) -> list[str]:
    lines = FIGURES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("complete_journey") == of_complete_journey]


def test_figures_of_traffic_and_trade(warehouse: Warehouse) -> None:
    assert not not_shown(warehouse, figures(of_complete_journey=False), SUMS)


def test_what_cannot_be_read_is_set_aside(warehouse: Warehouse) -> None:
    unreadable = warehouse.settings.rejects / "taobao_user_behavior" / "*" / "*" / "*.parquet"
    rejects = warehouse.query(f"select raw_text from read_parquet('{unreadable}')")
    assert rejects == [("100370,1968385,1875258,pv",)]
    heading = (
        "select entity, reason, _row from intermediate.int_rejects where source_id = 'cdnow' order by entity"
    )
    assert warehouse.query(heading) == [
        ("order_lines", "day that does not parse", 1),
        ("orders", "day that does not parse", 1),
    ]


def test_taobao_history_agrees_with_brute_force(warehouse: Warehouse, shared_data: Path) -> None:
    dump = shared_data / "taobao_user_behavior" / "UserBehavior.csv"
    evidence, _ = taobao.read(dump, date(2017, 12, 4), person_prefix="taobao_user_behavior:m:")
    walks = walk(evidence)
    rows = warehouse.query(
        "select brand_id, person_id, stage, valid_from, valid_to from marts.fct_aipl_stage_history "
        "where brand_id = 'taobao'"
    )
    assert set(rows) == stage_history(walks)
    days = warehouse.query(
        "select brand_id, as_of_date, stage, persons from marts.fct_aipl_daily "
        "where brand_id = 'taobao' and persons > 0"
    )
    first = min(day for _, day, _, _ in days)
    assert {(b, d, s): n for b, d, s, n in days} == dict(daily_stock(walks, first, date(2017, 12, 3)))


def test_baskets_of_the_complete_journey_are_those_of_its_files(shared_data: Path, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.load("complete_journey", shared_data / "complete_journey_simulated")
    warehouse.build(only=["int_rejects", "fct_grow", "campaign_effect", "dim_period"])
    assert warehouse.query("select count(*) from intermediate.int_rejects") == [(0,)]
    assert not not_shown(warehouse, figures(of_complete_journey=True), SUMS_OF_COMPLETE_JOURNEY)
    whole = "select count(*), sum(amount), max(paid_date) from intermediate.int_orders where is_current"
    assert warehouse.query(whole) == [(155848, Decimal("4596039.5800"), date(2018, 1, 1))]
    lines = """
        select count(*), sum(orders.discount_amount), sum(lines.list_amount - lines.amount)
        from (
            select order_id, sum(amount) as amount, sum(list_amount) as list_amount
            from staging.stg_complete_journey__order_lines group by order_id
        ) as lines
        join intermediate.int_orders as orders using (order_id) where orders.amount = lines.amount
    """
    ((orders, of_orders, of_lines),) = warehouse.query(lines)
    assert (orders, of_orders) == (155848, of_lines)
    departments = (
        "select count(distinct department), count(*) from intermediate.int_products where is_current"
    )
    assert warehouse.query(departments) == [(32, 92331)]
    campaign = """
        select starts_on, ends_on, campaign_kind from intermediate.int_campaigns where campaign_id = '13'
    """
    assert warehouse.query(campaign) == [(date(2017, 8, 8), date(2017, 9, 24), "coupon")]


def loyal_of_olist(folder: Path, day: date, min_rating: int) -> int:
    """Persons with a review of that rating, or paid on two days, in the year up to a day: from the files."""

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / f"olist_{name}_dataset.csv").open(encoding="utf-8-sig", newline="") as text:
            return list(csv.DictReader(text))

    def alive(time: str) -> bool:
        return day - timedelta(days=365) < datetime.fromisoformat(time).date() <= day

    person_of_customer = {row["customer_id"]: row["customer_unique_id"] for row in rows("customers")}
    orders = {row["order_id"]: row for row in rows("orders")}
    paid_days: dict[str, set[str]] = defaultdict(set)
    for order in orders.values():
        paid = order["order_approved_at"] or (
            order["order_purchase_timestamp"] if order["order_status"] == "delivered" else ""
        )
        if paid and alive(paid) and order["order_status"] not in ("canceled", "unavailable"):
            paid_days[person_of_customer[order["customer_id"]]].add(paid[:10])
    loyal = {person for person, days in paid_days.items() if len(days) >= 2}
    for review in rows("order_reviews"):
        if int(review["review_score"]) >= min_rating and alive(review["review_answer_timestamp"]):
            loyal.add(person_of_customer[orders[review["order_id"]]["customer_id"]])
    return len(loyal)


def test_olist_with_strict_net_counts_only_good_ratings(shared_data: Path, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.load("olist", shared_data / "olist")
    warehouse.build({"aipl_presets": ["consumer_asset", "strict_net"]}, only=["fct_aipl_daily"])
    day = date(2018, 8, 29)
    found = dict(
        warehouse.query(
            "select preset, persons from marts.fct_aipl_daily "
            f"where brand_id = 'olist' and stage = 'L' and as_of_date = '{day}'"
        )
    )
    assert found == {
        "consumer_asset": 11414,
        "strict_net": loyal_of_olist(shared_data / "olist", day, min_rating=4),
    }
    assert found["consumer_asset"] == loyal_of_olist(shared_data / "olist", day, min_rating=1)
    assert found["strict_net"] < found["consumer_asset"]


def test_sources_stand_side_by_side(warehouse: Warehouse) -> None:
    """Each brand keeps the zone, currency and horizon of its own source, and nobody's persons mix."""
    brands = {
        brand: facts
        for brand, *facts in warehouse.query(
            "select brand_id, timezone, currency, horizon from marts.dim_brand "
            "where brand_id in ('taobao', 'olist', 'online_retail', 'samsung')"
        )
    }
    assert brands == {
        "taobao": ["Asia/Shanghai", "CNY", date(2017, 12, 3)],
        "olist": ["America/Sao_Paulo", "BRL", brands["olist"][2]],
        "online_retail": ["Europe/London", "GBP", date(2011, 12, 9)],
        "samsung": ["UTC", "USD", date(2019, 10, 1)],
    }
    mixed = "select person_id from marts.fct_orders group by 1 having count(distinct source_id) > 1"
    assert [row for row in warehouse.query(mixed) if row[0] is not None] == []


def test_a_slip_in_one_row_is_one_reject_and_a_corrected_load_date_reaches_the_marts(tmp_path: Path) -> None:
    """Microseconds for seconds, and a load date that made the last days look like the future."""
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    rows = ["1,10,5,pv,1511658000", "2,10,5,buy,1512280000", "9,10,5,pv,1511658000000000", ""]
    (dumps / "UserBehavior.csv").write_text("\n".join(rows))
    declared = PROJECT_ROOT.joinpath("sources.yml").read_text()
    sources_file = tmp_path / "sources.yml"
    warehouse = Warehouse(tmp_path / "home", sources_file)
    found = []
    for load_date in ("2017-12-01", "2017-12-04"):
        sources_file.write_text(declared.replace("load_date: 2017-12-04", f"load_date: {load_date}"))
        warehouse.load("taobao_user_behavior", dumps)
        warehouse.build(only=["int_rejects", "fct_aipl_stage_history"])
        reasons = "select reason, count(distinct _row) from intermediate.int_rejects group by 1 order by 1"
        persons = "select person_id from marts.fct_aipl_stage_history where stage <> 'O' order by 1"
        found.append((warehouse.query(reasons), [person for (person,) in warehouse.query(persons)]))
    seconds = ("time that is no unix second", 1)
    viewer, buyer = "taobao_user_behavior:m:1", "taobao_user_behavior:m:2"
    assert found == [
        ([("time in the future", 1), seconds], [viewer]),
        ([seconds], [viewer, buyer]),
    ]


def test_a_session_that_spans_two_dumps_is_one_order(tmp_path: Path) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    bought = "2019-{} UTC,purchase,1,2,,acme,{},7,s\n"
    (dumps / "2019-Oct.csv").write_text(header + bought.format("10-31 23:59:00", "100.00"))
    (dumps / "2019-Nov.csv").write_text(header + bought.format("11-01 00:01:00", "30.00"))
    warehouse = Warehouse(tmp_path / "home")
    warehouse.load("rees46", dumps)
    warehouse.build(only=["fct_orders"])
    orders = "select count(*), sum(amount), min(paid_date) from marts.fct_orders"
    assert warehouse.query(orders) == [(1, Decimal("130.0000"), date(2019, 10, 31))]
