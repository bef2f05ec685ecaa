"""From dumps to a release: `aipl new-source`, a few lines by hand, `aipl try-source`, `aipl run`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
import shop_pages
import yaml

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.onboarding import trial
from orchestration.sources.source import Source

SHOPS = Path(__file__).resolve().parents[1] / "fixtures" / "shops"
MOST_LINES = 60
Aipl = Callable[..., str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the dbt project."""
    place = tmp_path_factory.mktemp("onboarding")
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", place / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    return place


@pytest.fixture
def aipl(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Aipl:
    """Run `aipl` with arguments in that folder; returns what it printed."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: place / "dbt_project"))

    def run(*arguments: str, code: int = 0) -> str:
        answer = cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False))
        said, complained = capfd.readouterr()
        assert answer == code, said + complained
        return said + complained

    return run


def in_home(monkeypatch: pytest.MonkeyPatch, place: Path, shop: str) -> Path:
    """A home and a sources file of its own for a shop, which declares the tables that people keep by hand."""
    declared = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text())["sources"]["manual"]
    (place / shop).mkdir()
    sources = {"sources": {"manual": {**declared, "identity_space": shop}}}
    (place / shop / "sources.yml").write_text(yaml.safe_dump(sources))
    monkeypatch.setenv("AIPL_HOME", str(place / shop / "home"))
    monkeypatch.setenv("AIPL_SOURCES", str(place / shop / "sources.yml"))
    return place / shop


def dumps_and_changes(shop: str) -> tuple[list[shop_pages.Block], list[shop_pages.Block]]:
    dumps, by_hand = (SHOPS / f"{shop}.md").read_text(encoding="utf-8").split("## By hand")
    return shop_pages.blocks(dumps), shop_pages.blocks(by_hand)


def lint(folder: Path) -> str:
    """What the linter of SQL, with the settings of the project, has against a folder."""
    program = Path(sys.executable).with_name("sqlfluff")
    command = [program, "lint", "--config", PROJECT_ROOT / ".sqlfluff", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT_ROOT)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def released(home: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / "home/published/current/marts.duckdb"), read_only=True) as connection:
        return connection.sql(query).fetchall()


def onboard(shop: str, encoding: str, place: Path, aipl: Aipl) -> tuple[str, str, str]:
    """Do what the recipe says; returns what each command printed."""
    dumps, by_hand = dumps_and_changes(shop)
    assert sum(len(block.written) for block in by_hand) <= MOST_LINES
    shop_pages.write(place / shop / "dumps", dumps, encoding)
    told = aipl("new-source", shop, str(place / shop / "dumps"))
    staging = place / "dbt_project/models/staging" / shop
    assert lint(staging) == ""
    # What is written runs before a guess is confirmed.
    first = aipl("try-source", shop)
    for block in by_hand:
        shop_pages.write(place / shop if block.name == "sources.yml" else place, [block])
    second = aipl("try-source", shop)
    home = place / shop / "home"
    assert {path.name for path in home.iterdir()} <= {"dbt"}, "a trial touches the home"
    assert "manual" not in aipl("run"), "what is absent is told"
    return told, first, second


def test_a_shop_without_buyers_in_gb18030(place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch) -> None:
    home = in_home(monkeypatch, place, "tea_house")

    told, first, second = onboard("tea_house", "gb18030", place, aipl)

    assert "gb18030" in told
    assert "签到 is unknown, and rejected" in told
    assert "orders: who is the person?" in told
    assert "rejected 1: unknown event kind" in first
    assert "unknown event kind" not in second
    assert "rejected 1: time that does not parse\n    销售明细_20240306.csv row 3:" in second
    assert "without a person: 5 (100%)" in second
    assert "first day 2024-03-04, last day 2024-03-05" in second
    assert "CNY: 416.0000 in 5 orders, of which paid 240.0000 in 3" in second
    orders = "select paid_date, count(*), sum(amount), min(currency) from fct_orders group by 1 order by 1"
    assert [tuple(map(str, row)) for row in released(home, orders)] == [
        ("2024-03-04", "2", "150.0000", "CNY"),
        ("2024-03-05", "1", "90.0000", "CNY"),
        ("None", "2", "176.0000", "CNY"),
    ]
    stock = """
        select as_of_date, stage, persons from fct_aipl_daily
        where preset = 'consumer_asset' and persons > 0 order by all
    """
    # The devices: 1, 2 and 3 on the first day, 4 on the second. Nobody is known to have paid.
    assert [tuple(map(str, row)) for row in released(home, stock)] == [
        ("2024-03-04", "I", "3"),
        ("2024-03-05", "I", "4"),
    ]

    _targets_and_links_by_hand(home, aipl)


def _targets_and_links_by_hand(home: Path, aipl: Aipl) -> None:
    folder = home / "home/manual"
    aipl("template", "gmv_targets")
    aipl("template", "identity_links")
    assert (folder / "gmv_targets.csv").read_text() == "brand_id,period_start,period_end,gmv,currency\n"
    # Files without a row change nothing.
    aipl("run")
    with (folder / "gmv_targets.csv").open("a") as file:
        file.write("tea_house,2024-03-04,2024-03-31,5000.00,CNY\ntea_house,01/04/2024,30/04/2024,6000,CNY\n")
    with (folder / "identity_links.csv").open("a") as file:
        file.write("dev-1,m1,,2024-03-04 08:00,\ndev-2,m1,,2024-03-04 21:00,\n,m1,m2,,\n")

    said = aipl("run")

    assert "period that is not dates such as 2024-09-30 1" in said
    rejected = aipl("rejects", "--source", "manual")
    assert "gmv_targets.csv" in rejected
    targets = "select distinct brand_id, target_gmv, currency, actual_so_far from fct_consumer_gap"
    assert [tuple(map(str, row)) for row in released(home, targets)] == [
        ("tea_house", "5000.0000", "CNY", "240.0000")
    ]
    # Devices 1 and 2 are one member now.
    persons = "select as_of_date, sum(persons) from fct_aipl_daily where preset = 'consumer_asset'"
    persons += " and stage <> 'O' group by 1 order by 1"
    assert [count for _, count in released(home, persons)] == [2, 3]


def test_a_shop_whose_orders_are_inside_its_events(
    place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = in_home(monkeypatch, place, "mercado")

    told, first, second = onboard("mercado", "utf-8", place, aipl)

    assert "compra is an order" in told
    assert "XXX: 1035.5000 in 3 orders" in first
    assert "events: 5 rows, 0 rejected" in second
    assert "orders: 3 rows, 0 rejected" in second
    assert "order_lines: 4 rows, 0 rejected" in second
    assert "EUR: 1035.5000 in 3 orders" in second
    paid = "select paid_date, count(*), sum(amount) from fct_orders group by 1 order by 1"
    assert [tuple(map(str, row)) for row in released(home, paid)] == [
        ("2024-03-04", "2", "1030.5000"),
        ("2024-03-05", "1", "5.0000"),
    ]
    stock = """
        select as_of_date, stage, persons from fct_aipl_daily
        where preset = 'consumer_asset' and persons > 0 order by all
    """
    lines = "select product_id, sum(quantity), sum(amount) from fct_order_lines group by 1 order by 1"
    assert [tuple(map(str, row)) for row in released(home, lines)] == [
        ("A1", "1.0000", "15.5000"),
        ("B2", "3.0000", "15.0000"),
        ("C3", "1.0000", "1005.0000"),
    ]
    # c1 and the device d3 paid on the first day. d2 only searched then; it is c2, who paid on the second day,
    # when d4 looked at a product.
    assert [tuple(map(str, row)) for row in released(home, stock)] == [
        ("2024-03-04", "A", "1"),
        ("2024-03-04", "P", "2"),
        ("2024-03-05", "I", "1"),
        ("2024-03-05", "P", "3"),
    ]


ODD = {
    "orders.csv": """\
order,user,date,"Total (EUR)",it's status,"a ""quoted"" product",select,Stück,currency,row
1,u1,25.03.2024 10:00,"1.005,50",paid's,p1,x,1,EUR,1
2,u2,26.03.2024 11:00,"25,00",unpaid,p2,y,2,EUR,2
3,u1,27.03.2024 12:00,"7,25",Cancelled,p1,z,1,USD,3
""",
    "clicks.csv": """\
Session ID|Timestamp (ms)|Event Name|group|Page/Product
s1|1711360800000|Add To Cart|a|p'1
s2|1711360900000|view|b|p2
s3|1711361900000|it's "new"|b|p2
""",
    "reviews.jsonl": """\
{"review_id": "r1", "order_id": 1, "stars": 5, "rated on": "2024-03-28T10:00:00+01:00", "user id": "u1"}
{"review_id": "r2", "order_id": 2, "stars": 4, "rated on": "2024-03-29T10:00:00+01:00", "user id": "u2"}
""",
    "refunds.csv": """\
refund no;order no;refunded;amount;reason
f1;1;2024-03-29;5.00;late
f2;3;2024-03-30;7.25;broken
""",
    "loyalty_memberships.csv": """\
member id,joined,left,state
u1,2024-01-01,,a
u2,2024-02-01,2024-03-01,b
""",
    "products.csv": """\
sku,name,brand,category
p1,Tea,Lu'men,Drinks
p2,Jam,null,Food
""",
    "notes.csv": """\
subject,text
one,two
three,four
""",
}


def test_odd_names_and_values_give_files_that_run(
    place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = in_home(monkeypatch, place, "odd_shop")
    for name, text in ODD.items():
        shop_pages.write(home / "dumps", [shop_pages.Block(name, "", text)])

    told = aipl("new-source", "odd_shop", str(home / "dumps"))

    assert "'25.03.2024 10:00' says none" in told
    assert "clicks: which brand are its rows of?" in told
    staging = place / "dbt_project/models/staging/odd_shop"
    assert lint(staging) == ""
    declared = yaml.safe_load((home / "sources.yml").read_text())["sources"]["odd_shop"]["tables"]
    assert {name for name, table in declared.items() if table.get("decimal_mark") == ","} == {"orders"}
    assert (
        "{{ safe_cast('\"Total (EUR)\"', 'decimal(18, 4)') }}"
        in (staging / "stg_odd_shop__orders.sql").read_text()
    )
    said = aipl("try-source", "odd_shop")
    for line in (
        "notes: feeds nothing; no staging model reads it.",
        "events: 3 rows, 1 rejected",
        "  add_to_cart 1, product_view 1",
        "memberships: 2 rows, 0 rejected",
        "order_lines: 3 rows, 0 rejected",
        "orders: 3 rows, 0 rejected",
        "  EUR: 1030.5000 in 2 orders, of which paid 1005.5000 in 1",
        "  USD: 7.2500 in 1 order, of which paid 0 in 0",
        "  cleaned: brand_id placeholder (1 row)",
        "  EUR: 12.2500 in 2 refunds",
        '"reviewed_at": "2024-03-28 09:00:00"',
        '"left_on": "2024-03-01"',
        '"quantity": "2.0000", "amount": "25.0000"',
        "The arrival gate would refuse nothing.",
    ):
        assert line in said, said


def test_a_trial_tells_what_is_shared_refused_and_broken(
    place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = in_home(monkeypatch, place, "small_shop")
    rows = "".join(f"{1 + n // 2},2024-03-04 10:0{n}:00,c{n},9.00,paid\n" for n in range(4))
    orders = shop_pages.Block("orders.csv", "", f"order_id,placed_at,customer,total,status\n{rows}")
    shop_pages.write(home / "dumps", [orders])
    aipl("new-source", "small_shop", str(home / "dumps"))
    more = orders.text + "9,2024-03-04 11:00:00,c9,1.00,lost\n" * 4
    (home / "dumps/orders.csv").write_text(more)

    said = aipl("try-source", "small_shop")

    assert "order_id with several members: 2, such as 1 (2)" in said
    assert "The arrival gate would refuse " in said
    assert "orders: " in said.split("The arrival gate would refuse ")[1]

    model = place / "dbt_project/models/staging/small_shop/stg_small_shop__orders.sql"
    model.write_text(model.read_text().replace("customer as member_id", "client as member_id"))
    failed = aipl("try-source", "small_shop", code=1)
    assert "The staging of small_shop does not run:" in failed
    assert "stg_small_shop__orders" in failed
    assert 'column "client" not found' in failed
    assert {path.name for path in (home / "home").iterdir()} <= {"dbt"}


def test_lines_in_a_column_of_json(place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch) -> None:
    home = in_home(monkeypatch, place, "market")
    orders = """\
order_id,placed_at,customer,total,items
T1,2024-03-04 10:00:00,ann,"7,50","[{""sku"": ""tea"", ""qty"": 1, ""price"": 4.50}, JAM]"
T2,2024-03-04 11:00:00,bob,"9,00","[{""sku"": ""tea"", ""qty"": 2, ""price"": 4.50}]"
T3,2024-03-04 12:00:00,cem,"4,50","[{""sku"": ""tea"", ""qu"
T4,2024-03-04 13:00:00,dee,"0,00",[]
""".replace("JAM", '{""sku"": ""jam"", ""qty"": 2, ""price"": 1.5}')
    shop_pages.write(home / "dumps", [shop_pages.Block("orders.csv", "", orders)])
    assert "feeds orders, order_lines" in aipl("new-source", "market", str(home / "dumps"))
    assert lint(place / "dbt_project/models/staging/market") == ""
    # Its totals have a comma and the prices in the lists a point: neither mark is that of the table.
    assert "decimal_mark" not in (home / "sources.yml").read_text()

    said = aipl("try-source", "market")

    # A list that cannot be read is a reject, one without an item is no line.
    assert "order_lines: 4 rows, 1 rejected" in said
    assert "rejected 1: items that are not a list of JSON\n    orders.csv row 3:" in said
    assert '"product_id": "jam", "quantity": "2.0000", "unit_price": "1.5000", "amount": "3.0000"' in said
    assert "XXX: 21.0000 in 4 orders" in said


def test_of_much_the_newest_load_dates_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, dumps = Settings(tmp_path / "home", tmp_path / "sources.yml"), tmp_path / "dumps"
    for day in (1, 2, 3):
        shop_pages.write(dumps, [shop_pages.Block(f"t_2024-03-0{day}.csv", "", "a,b\n1,2\n")])
    columns = {"required": ["a", "b"]}
    table = {"files": "t_{load_date}.csv", "format": "csv", "columns": columns}
    entry = {"dumps": str(dumps), "feed": "daily", "currency": "EUR", "tables": {"t": table}}
    source = Source.model_validate({"source_id": "shop", **entry})
    today = date(2024, 3, 9)

    assert trial._newest(settings, source, None, today) == (None, "")
    monkeypatch.setattr(trial, "TRIED_BYTES", 2 * len("a,b\n1,2\n"))
    days, said = trial._newest(settings, source, None, today)
    assert days == {date(2024, 3, 2), date(2024, 3, 3)}
    assert said == "The newest 2 of 3 load dates are tried; `--all` tries all."
    # One is tried, however large it is.
    monkeypatch.setattr(trial, "TRIED_BYTES", 1)
    assert trial._newest(settings, source, None, today)[0] == {date(2024, 3, 3)}
