"""Shipped sources with corrupted rows beside a healthy one: a run publishes, with all of that one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from corruptions import CORRUPTIONS
from sample_world import sample_dumps, sample_warehouse

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sources.source import Source, load_sources
from orchestration.sources.table import Format, Table

ROWS, KINDS = 600, 6
Row = dict[str, object]
Make = Callable[[int], Row]


def moment(number: int, first: str) -> str:
    """A time on one of the ten days from `first` on."""
    return f"{datetime.fromisoformat(first) + timedelta(hours=number % 240):%Y-%m-%d %H:%M:%S}"


def purchase(number: int) -> Row:
    """A row of cdnow."""
    day = date(1997, 1, 1) + timedelta(days=number % 90)
    cells = {"customer_id": f"{number % 200 + 1:05}", "purchased_on": f"{day:%Y%m%d}"}
    return {**cells, "number_of_cds": number % 5 + 1, "dollar_value": f"{number % 90 + 10}.77"}


# By source and table, the row of a number.
MADE: dict[str, dict[str, Make]] = {
    "cdnow": {"purchases": purchase},
    "complete_journey": {
        "transactions": lambda n: {
            "household_id": n % 90 + 1,
            "store_id": 330,
            "basket_id": 31198570000 + n // 3,
            "product_id": n % 70,
            "quantity": n % 4 + 1,
            "sales_value": n % 9 + 0.99,
            "retail_disc": n % 3 / 10,
            "coupon_disc": 0.0,
            "coupon_match_disc": 0.0,
            "transaction_timestamp": moment(n // 3, "2017-03-01"),
        },
        "products": lambda n: {"product_id": n, "department": "GROCERY", "product_category": f"g{n % 7}"},
        "campaign_descriptions": lambda n: {
            "campaign_id": n,
            "campaign_type": "Type A",
            "start_date": "2017-03-01",
            "end_date": "2017-03-31",
        },
        "campaigns": lambda n: {"campaign_id": n % 20, "household_id": n % 90 + 1},
        "coupons": lambda n: {"coupon_upc": n, "product_id": n % 70, "campaign_id": n % 20},
        "coupon_redemptions": lambda n: {
            "household_id": n % 90 + 1,
            "coupon_upc": n,
            "campaign_id": n % 20,
            "redemption_date": "2017-03-15",
        },
        "demographics": lambda n: {"household_id": n + 1},
    },
    "olist": {
        "customers": lambda n: {"customer_id": f"k{n}", "customer_unique_id": f"p{n % 400}"},
        "orders": lambda n: {
            "order_id": f"o{n}",
            "customer_id": f"k{n}",
            "order_status": ["delivered", "canceled", "shipped"][n % 3],
            "order_purchase_timestamp": moment(n, "2017-10-02"),
            "order_approved_at": moment(n + 1, "2017-10-02"),
        },
        "order_items": lambda n: {
            "order_id": f"o{n}",
            "order_item_id": 1,
            "product_id": f"i{n % 50}",
            "seller_id": "s1",
            "price": f"{n % 40 + 5}.90",
            "freight_value": "8.72",
        },
        "order_payments": lambda n: {
            "order_id": f"o{n}",
            "payment_sequential": 1,
            "payment_type": "boleto",
            "payment_value": f"{n % 40 + 14}.62",
        },
        "order_reviews": lambda n: {
            "review_id": f"r{n}",
            "order_id": f"o{n}",
            "review_score": n % 5 + 1,
            "review_answer_timestamp": moment(n + 9, "2017-10-02"),
        },
        "products": lambda n: {"product_id": f"i{n}", "product_category_name": f"g{n % 7}"},
        "sellers": lambda n: {"seller_id": f"s{n}"},
        "product_category_names": lambda n: {
            "product_category_name": f"g{n}",
            "product_category_name_english": f"group {n}",
        },
    },
    "online_retail": {
        "invoice_lines": lambda n: {
            # Some are cancellations.
            "InvoiceNo": f"{'C' if n % 40 > 37 else ''}{536000 + n // 2}",
            "StockCode": f"8{n % 70}",
            "Description": "a mug",
            "Quantity": -1 if n % 40 > 37 else n % 9 + 1,
            "InvoiceDate": f"2010-12-01 {8 + n // 2 % 9:02}:26:00",
            "UnitPrice": f"{n % 8 + 1}.55",
            "CustomerID": f"{17000 + n // 2 % 150}.0",
            "Country": "United Kingdom",
        }
    },
    "rees46": {
        "events": lambda n: {
            "event_time": f"{moment(n, '2019-10-01')} UTC",
            "event_type": ["view", "view", "cart", "purchase"][n % 4],
            "product_id": f"i{n % 90}",
            "category_id": n % 9,
            "category_code": "a.b",
            "brand": ["acme", "", "apex"][n % 3],
            "price": f"{n % 60 + 1}.99",
            "user_id": f"u{n % 150}",
            "user_session": f"v{n % 300}",
        }
    },
    "taobao_user_behavior": {
        "events": lambda n: {
            "user_id": n % 150 + 1,
            "item_id": n % 90,
            "category_id": n % 9,
            "behavior_type": ["pv", "pv", "fav", "cart", "buy"][n % 5],
            "unix_seconds": 1511600000 + 977 * n,
        }
    },
}
# Where the pattern is not the name of a file.
FILES = {"rees46": "2019-Oct.csv", "online_retail": "2010-12-01.csv"}


def corrupted(rows: Sequence[Row], columns: Iterable[str], dice: random.Random) -> list[Row]:
    """The rows with some kinds of corruption of each column, each in a row of its own."""
    changes = [(column, value) for column in columns for value in dice.sample(CORRUPTIONS, KINDS)]
    places = dice.sample(range(len(rows)), len(changes))
    found = list(rows)
    for place, (column, value) in zip(places, changes, strict=True):
        found[place] = {**rows[place], column: value}
    return found


def encode(table: Table, rows: Sequence[Mapping[str, object]]) -> bytes:
    columns = table.columns.declared
    if table.format is Format.PARQUET:
        # Of text, since a corrupted value has no other type.
        cells = {
            name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in columns
        }
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(cells), sink)
        return sink.getvalue().to_pybytes()
    told = [{name: "" if row.get(name) is None else row[name] for name in columns} for row in rows]
    if table.format is Format.FIXED_WIDTH:
        lines = []
        for row in told:
            line = [" "] * 30
            for name, (first, last) in table.widths.items():
                text = " ".join(str(row[name]).split())[: last - first + 1]
                line[first - 1 : last] = text.ljust(last - first + 1)
            lines.append("".join(line))
        return "\r\n".join([*lines, ""]).encode()
    if table.format is Format.JSONL:
        return "".join(json.dumps({k: v or None for k, v in row.items()}) + "\n" for row in told).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    if table.has_header:
        writer.writeheader()
    writer.writerows(told)
    return text.getvalue().encode()


def write(source: Source, folder: Path, dice: random.Random | None) -> None:
    """Dumps of a made-up source, corrupted by the dice if there are any."""
    folder.mkdir(parents=True)
    for name, make in MADE[source.source_id].items():
        table, rows = source.tables[name], [make(number) for number in range(ROWS)]
        if dice:
            rows = corrupted(rows, table.columns.declared, dice)
        (folder / FILES.get(source.source_id, table.files)).write_bytes(encode(table, rows))


def corrupt_the_shop(folder: Path, source: Source, dice: random.Random) -> None:
    """Corrupt rows of the fullest dump of each table of the sample shop."""
    shutil.copytree(sample_dumps(), folder)
    for table in source.tables.values():
        dump = max(folder.glob(table.files.replace("{load_date}", "*")), key=lambda path: path.stat().st_size)
        content = gzip.decompress(dump.read_bytes()) if dump.suffix == ".gz" else dump.read_bytes()
        lines = io.StringIO(content.decode(), newline="")
        is_json = table.format is Format.JSONL
        rows: list[Row] = [json.loads(line) for line in lines] if is_json else list(csv.DictReader(lines))
        # So few that no share of a load is passed.
        some = dice.sample(table.columns.declared, min(len(rows) // 50, len(table.columns.declared)))
        for place, column in zip(dice.sample(range(len(rows)), len(some)), some, strict=True):
            rows[place] = {**rows[place], column: dice.choice(CORRUPTIONS)}
        text = encode(table, rows)
        dump.write_bytes(gzip.compress(text) if dump.suffix == ".gz" else text)


def run(
    folder: Path, sources: Sequence[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> duckdb.DuckDBPyConnection:
    """Run these sources from the dumps in the folder; the release, which must be there."""
    declared = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text())
    entries = {name: {**declared["sources"][name], "dumps": str(folder / name)} for name in sources}
    if "online_retail" in entries:
        entries["online_retail"]["ends_on"] = date(2010, 12, 1)
    (folder / "sources.yml").write_text(yaml.safe_dump({"sources": entries}))
    monkeypatch.setenv("AIPL_HOME", str(folder / "home"))
    monkeypatch.setenv("AIPL_SOURCES", str(folder / "sources.yml"))
    code = cli._guarded(lambda: cli.aipl.main(["run"], standalone_mode=False))
    said, complained = capfd.readouterr()
    assert code == 0, said + complained
    return duckdb.connect(str(folder / "home/published/current/marts.duckdb"), read_only=True)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Source]:
    sources = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "/home"})
    return {name: source for name, source in sources.items() if not source.optional}


def test_corrupted_rows_of_six_sources_leave_the_seventh_whole(
    tmp_path: Path,
    shipped: dict[str, Source],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert {"sample_shop", *MADE} == set(shipped)
    dice = random.Random("six sources")
    for name in MADE:
        write(shipped[name], tmp_path / name, dice)
    (tmp_path / "sample_shop").symlink_to(sample_dumps())
    with run(tmp_path, list(shipped), monkeypatch, capfd) as release:
        published = {
            table: release.execute(query).fetchall() for table, query in of_the_shop(release).items()
        }
        orders = dict(
            release.execute("select source_id, count(*) from fct_orders group by source_id").fetchall()
        )
    alone = sample_warehouse()
    assert published == {
        table: alone.query(query.replace("from ", "from marts."))
        for table, query in of_the_shop(release=None).items()
    }
    assert published["fct_aipl_daily"] and published["fct_money_daily"]
    assert orders.keys() == set(shipped)


def of_the_shop(release: object) -> dict[str, str]:
    """Queries of marts that hold the sample shop's brands."""
    brands = "('lumen', 'aurora', 'cedar', 'sample_shop_unbranded')"
    columns = {
        "fct_aipl_daily": "preset, brand_id, as_of_date, stage, persons",
        "fct_money_daily": "brand_id, money_date, currency, gross_paid_amount",
        "fct_fast": "preset, brand_id, period_type, period_start, fertility_union, superiority_members",
    }
    return {
        table: f"select {names} from {table} where brand_id in {brands} order by all"
        for table, names in columns.items()
    }


def test_corrupted_rows_of_the_sample_shop_leave_another_source_whole(
    tmp_path: Path,
    shipped: dict[str, Source],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    corrupt_the_shop(tmp_path / "sample_shop", shipped["sample_shop"], random.Random("the shop"))
    write(shipped["cdnow"], tmp_path / "cdnow", None)
    with run(tmp_path, ["sample_shop", "cdnow"], monkeypatch, capfd) as release:
        query = (
            "select count(*), sum(amount), count(distinct order_id) from fct_orders where source_id = 'cdnow'"
        )
        found = release.execute(query).fetchone()
    rows = [purchase(number) for number in range(ROWS)]
    assert found == (ROWS, sum(Decimal(str(row["dollar_value"])) for row in rows), ROWS)
