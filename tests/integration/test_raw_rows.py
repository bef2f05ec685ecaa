"""Raw rows that hold several things: the models of docs/raw-rows.md, against brute force and a full build."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from warehouse import OwnWarehouse
from worlds.proof import between

from orchestration.core.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "raw-rows.md").read_text()
FILE = re.compile(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall(PAGE))
FIRST, DAYS = date(2024, 3, 5), 6
COLUMNS = {
    "market": {
        "orders": ["order_id", "changed_at", "customer", "device", "total", "items"],
        "page_views": ["view_id", "seen_at", "customer", "device", "ad", "product"],
        "products": ["product", *(f"{what}_{n}" for n in (1, 2, 3) for what in ("variant", "name"))],
    },
    "app": {
        "events": ["event_id", "happened_at", "device", "member", "kind", "payload"],
        "buyers": ["order_id", "buyer", "told_at"],
    },
}
MODELS = ("order_lines", "orders", "events", "products", "identity_links")
Row = dict[str, str]
# Rows by source, table and day.
Dumps = dict[tuple[str, str, int], list[Row]]


def declared(source: str) -> str:
    """Entry of a source in the sources file."""
    tables = "".join(
        f"      {table}:\n        files: {table}_{{load_date}}.csv\n        format: csv\n"
        f"        may_be_empty: true\n        columns: {{required: [{', '.join(columns)}]}}\n"
        for table, columns in COLUMNS[source].items()
    )
    return (
        f"  {source}:\n    feed: daily\n    timezone: Europe/Paris\n    currency: EUR\n"
        f"    starts_on: {FIRST - timedelta(days=1)}\n    brands: {{{source}: {{name: {source}}}}}\n"
        f"    tables:\n{tables}"
    )


def make(home: Path) -> OwnWarehouse:
    """A warehouse of both sources, with the staging models of the page."""
    sources = home.with_name(f"{home.name}-sources.yml")
    sources.write_text("sources:\n" + "".join(declared(source) for source in COLUMNS))
    warehouse = OwnWarehouse.make(home, sources)
    for name, content in FILES.items():
        if name.startswith("dbt_project/"):
            path = warehouse.settings.dbt_project / name.removeprefix("dbt_project/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for source, tables in COLUMNS.items():
        location = "{{ env_var('AIPL_HOME', '') }}/raw/" + source + "/{identifier}/*/*.parquet"
        path = warehouse.settings.dbt_project / "models" / "staging" / source / f"_{source}__sources.yml"
        path.write_text(
            f"sources:\n  - name: {source}\n    config:\n      meta:\n"
            f"        external_location: \"read_parquet('{location}', hive_partitioning = false)\"\n"
            "    tables:\n" + "".join(f"      - name: {table}\n" for table in tables)
        )
    return warehouse


def build(warehouse: OwnWarehouse) -> bool:
    """Build what the models of the page feed, laws included."""
    ints = [
        f"int_{name}" for name in (*MODELS, "refunds", "reviews", "memberships", "gmv_targets", "rejects")
    ]
    return warehouse.build(only=[*ints, "fct_orders", "fct_order_lines", "fct_person_days", "dim_product"])


def write(folder: Path, dumps: Mapping[tuple[str, str, int], list[Row]]) -> None:
    for (source, table, day), rows in dumps.items():
        path = folder / source / f"{table}_{FIRST + timedelta(days=day)}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS[source][table])
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> OwnWarehouse:
    """The dumps of the page, and an app whose buyers are told a day later, in two nights."""
    folder = tmp_path_factory.mktemp("page")
    for name, content in FILES.items():
        if name.startswith("market_dumps/"):
            path = folder / name.replace("market_dumps", "market")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
    view = {"view_id": "v1", "seen_at": "2024-03-04 10:00:00", "device": "d1", "customer": ""}
    wide = {"product": "mug", "variant_1": "red", "name_1": "Red mug", "variant_2": "", "name_2": "0"}
    event = {"event_id": "e1", "happened_at": "2024-03-04 10:00:00", "device": "d9", "kind": "purchase"}
    order = {"id": "o1", "total": "7.50", "items": [{"sku": "tea", "price": 4.5}, {"sku": "jam", "price": 3}]}
    less = {"id": "o1", "total": "4.50", "items": [{"sku": "tea", "price": 4.5}]}
    write(
        folder,
        {
            ("market", "page_views", 0): [{**view, "ad": "spring", "product": "mug-red"}],
            ("market", "page_views", 1): [{**view, "ad": "", "product": "mug-red"}],
            ("market", "products", 0): [{**wide, "variant_3": "blue", "name_3": "Blue mug"}],
            ("market", "products", 1): [wide],
            ("app", "events", 0): [
                {**event, "payload": json.dumps({"order": order})},
                {**event, "event_id": "e2", "payload": json.dumps({"order": {**order, "id": "o2"}})},
                {**event, "event_id": "e3", "payload": '{"order": {"id": "o3", "it'},
            ],
            ("app", "events", 1): [
                {**event, "payload": json.dumps({"order": less})},
                {**event, "event_id": "e2", "payload": "{}"},
            ],
            ("app", "buyers", 1): [{"order_id": "o1", "buyer": "dora", "told_at": "2024-03-05 08:00:00"}],
        },
    )
    warehouse = make(folder / "home")
    for day in range(2):
        for source in COLUMNS:
            warehouse.load(source, folder / source, {FIRST + timedelta(days=day)})
        assert build(warehouse) == (day == 0)
    return warehouse


def test_a_document_that_comes_again_with_less_holds_less(page: OwnWarehouse) -> None:
    lines = "select source_id, order_id, line_id, product_id from marts.fct_order_lines order by all"
    assert page.query(lines) == [
        ("app", "o1", "1", "tea"),
        # The event took its order back, and said nothing of lines.
        ("app", "o2", "1", "tea"),
        ("app", "o2", "2", "jam"),
        ("market", "T1", "1", "tea"),
        ("market", "T2", "1", "tea"),
        ("market", "T2", "2", "tea"),
    ]
    orders = "select order_id, amount, person_id from marts.fct_orders order by 1"
    assert page.query(orders) == [
        ("T1", pytest.approx(4.5), "market:m:ann"),
        ("T2", pytest.approx(9), "market:m:bob"),
        ("o1", pytest.approx(4.5), "app:m:dora"),
    ]
    assert page.query("select event_id, touch_kind from intermediate.int_events where is_current") == [
        ("v1-product_view", "product_view")
    ]
    assert page.query("select product_id, product_name from marts.dim_product where source_id = 'market'"
                      " and product_id like 'mug%' order by 1") == [("mug-red", "Red mug")]  # fmt: skip


def test_a_cell_that_was_cut_off_costs_its_row(page: OwnWarehouse) -> None:
    rejects = "select entity, reason, _file, _row from intermediate.int_rejects order by all"
    assert page.query(rejects) == [
        ("order_lines", "items that are not a list of JSON", "events_2024-03-05.csv", 3),
        ("order_lines", "items that are not a list of JSON", "orders_2024-03-05.csv", 3),
        ("orders", "items that are not JSON", "orders_2024-03-05.csv", 3),
        ("orders", "items that are not a list of JSON", "events_2024-03-05.csv", 3),
    ]


@dataclass
class Shops:
    """Both shops at random: few documents, told again and again with other content."""

    dice: random.Random
    dumps: Dumps = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for day in range(DAYS):
            for source, tables in COLUMNS.items():
                for table in tables:
                    rows = [getattr(self, table)(day) for _ in range(self.dice.randint(1, 12))]
                    self.dumps[source, table, day] = rows

    def moment(self, day: int) -> str:
        """A time of the day that a load covers, or of one before."""
        at = FIRST + timedelta(days=day - 1 - self.dice.choice([0, 0, 0, 1, 3]))
        return f"{at} {self.dice.choice(['08', '12'])}:00:00"

    def items(self) -> list[dict[str, Any] | None]:
        dice = self.dice
        return [
            dice.choice(
                [{"sku": dice.choice("abc"), "quantity": 1, "price": dice.randint(1, 9)}] * 9 + [{}, None]
            )
            for _ in range(dice.randint(0, 3))
        ]

    def cell(self, value: object) -> str:
        """JSON, or what came instead of it."""
        text = json.dumps(value)
        return self.dice.choice([text] * 8 + ["", "null", text[:-1], "5"])

    def orders(self, day: int) -> Row:
        at = self.dice.choice([self.moment(day)] * 9 + [""])
        who = {"customer": self.dice.choice(["", "ann", "bob"]), "device": self.dice.choice(["", "d1", "d2"])}
        return {"order_id": f"T{self.dice.randint(1, 8)}", "changed_at": at, **who, "total": "9",
                "items": self.cell(self.items())}  # fmt: skip

    def page_views(self, day: int) -> Row:
        dice = self.dice
        return {"view_id": f"v{dice.randint(1, 9)}", "seen_at": self.moment(day), "customer": "",
                "device": dice.choice(["d1", "d2"]), "ad": dice.choice(["", "spring"]),
                "product": dice.choice(["", "p"])}  # fmt: skip

    def products(self, day: int) -> Row:
        dice = self.dice
        found = {"product": f"p{dice.randint(1, 3)}"}
        for n in (1, 2, 3):
            variant = dice.choice(["", "", "red", "blue"])
            found |= {f"variant_{n}": variant, f"name_{n}": dice.choice(["0", "Name"]) if variant else ""}
        return found

    def events(self, day: int) -> Row:
        dice = self.dice
        order = {"id": f"o{dice.randint(1, 7)}", "total": dice.randint(1, 9), "items": self.items()}
        payload = dice.choice([{"order": order}] * 5 + [{}, {"order": {**order, "items": None}}])
        return {"event_id": f"e{dice.randint(1, 9)}", "happened_at": self.moment(day), "device": "d1",
                "member": "", "kind": "purchase", "payload": self.cell(payload)}  # fmt: skip

    def buyers(self, day: int) -> Row:
        dice = self.dice
        return {"order_id": f"o{dice.randint(1, 4)}", "buyer": dice.choice(["dora", "eve"]),
                "told_at": self.moment(day)}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What one raw row says: its place in the order of versions, its document, its items by key."""

    place: tuple[Any, ...]
    document: str
    # (key, content) of the good ones.
    items: tuple[tuple[str, str], ...]


def read(cell: str) -> Any:
    """A JSON value; ValueError if it is none."""
    return json.loads(cell) if cell else None


def of_list(value: Any) -> list[Any] | None:
    """The items of a value; None if it says nothing; ValueError if it is no list."""
    if isinstance(value, dict):
        return [value]
    if value is not None and not isinstance(value, list):
        raise ValueError
    return value


def current(told: Iterable[Told | None]) -> Counter[tuple[str, str]]:
    """The items that count: of the latest raw row of each document, and of a key the latest of these."""
    latest: dict[str, Told] = {}
    for one in told:
        if one and (one.document not in latest or latest[one.document].place < one.place):
            latest[one.document] = one
    by_key: dict[str, tuple[tuple[Any, ...], str]] = {}
    for one in latest.values():
        for number, (key, content) in enumerate(one.items):
            if key not in by_key or by_key[key][0] < (one.place, number):
                by_key[key] = ((one.place, number), content)
    return Counter((key, content) for key, (_, content) in by_key.items())


def of_lines(place: tuple[Any, ...], document: str, value: Any, line: str = "{}") -> Told | None:
    """What a list of lines says; None if nothing, or only what staging refuses."""
    found = of_list(value)
    good = [(f"{document} {line.format(n)}", item["sku"]) for n, item in enumerate(found or [], 1) if item]
    return Told(place, document, tuple(good)) if good or found == [] else None


def brute_force(dumps: Dumps) -> dict[str, Counter[tuple[str, str]]]:
    """The current rows of the entities, by source and entity."""
    told: dict[str, list[Told | None]] = defaultdict(list)
    for (_, table, day), rows in dumps.items():
        for number, row in enumerate(rows, 1):
            place = (day, number)
            try:
                if table == "orders":
                    version = (row["changed_at"], *place)
                    told["market order_lines"].append(of_lines(version, row["order_id"], read(row["items"])))
                elif table == "page_views":
                    kinds = [kind for kind, column in (("ad_click", "ad"), ("product_view", "product"))
                             if row[column]] or ["page_view"]  # fmt: skip
                    touches = tuple((f"{row['view_id']}-{kind}", kind) for kind in kinds)
                    told["market events"].append(Told(place, row["view_id"], touches))
                elif table == "products":
                    names = [(row[f"variant_{n}"], row[f"name_{n}"]) for n in (1, 2, 3)]
                    variants = tuple((f"{row['product']}-{one}", name) for one, name in names if one)
                    told["market products"].append(Told(place, row["product"], variants))
                elif table == "events":
                    payload = read(row["payload"])
                    order = payload.get("order") if isinstance(payload, dict) else None
                    held = ((order["id"], str(order["total"])),) if order else ()
                    told["app orders"].append(Told(place, row["event_id"], held))
                    if order:
                        told["app order_lines"].append(of_lines(place, order["id"], order["items"]))
            except ValueError:
                continue
    return {name: current(rows) for name, rows in told.items()}


QUERIES = {
    "market order_lines": "order_id || ' ' || line_id, product_id from intermediate.int_order_lines",
    "market events": "event_id, touch_kind from intermediate.int_events",
    "market products": "product_id, coalesce(product_name, '') from intermediate.int_products",
    "app orders": "order_id, cast(cast(amount as integer) as varchar) from intermediate.int_orders",
    "app order_lines": "order_id || ' ' || line_id, product_id from intermediate.int_order_lines",
}


def stored(warehouse: OwnWarehouse) -> dict[str, Counter[tuple[Any, ...]]]:
    return {
        name: Counter(
            warehouse.query(f"select {query} where is_current and source_id = '{name.partition(' ')[0]}'")
        )
        for name, query in QUERIES.items()
    }


def test_nights_in_any_order_equal_brute_force_and_a_full_build(tmp_path: Path) -> None:
    dice = random.Random(1)
    final, early = Shops(dice).dumps, Shops(dice).dumps
    incremental = make(tmp_path / "incremental")
    days = list(range(DAYS))
    dice.shuffle(days)
    state: Dumps = {}
    # Some days come first as they were before their correction.
    for number, (batch, dumps) in enumerate([(days[:2], final), (days[2:], early), (days[2:], final)]):
        delivered = {name: rows for name, rows in dumps.items() if name[2] in batch}
        state |= delivered
        write(tmp_path / "dumps", delivered)
        for source in COLUMNS:
            dates = {FIRST + timedelta(days=day) for day in batch}
            incremental.load(source, tmp_path / "dumps" / source, dates)
        assert build(incremental) == (number == 0)
        assert stored(incremental) == brute_force(state)
    full = make(tmp_path / "full")
    for source in COLUMNS:
        full.load(source, tmp_path / "dumps" / source)
    build(full)
    assert not between(full, incremental)
    for entity in MODELS:
        assert incremental.rows(f"intermediate.int_{entity}") == full.rows(f"intermediate.int_{entity}")
    assert all(stored(full).values())
