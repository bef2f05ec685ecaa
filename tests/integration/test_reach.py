"""Which nodes start in nights in which little arrives.

That the marts are those of a full build all the same is shown by `test_law_of_increments.py`.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sample_world import sample_dumps, sample_warehouse
from warehouse import Warehouse

from orchestration.build.laws import read_results
from orchestration.build.state import read_build, warehouse_mark, write_build

DAY = "2024-10-15"
TRAFFIC = {"int_events", "int_burst_visitor_days", "int_channel_sources"}
OTHERS = {"int_memberships", "int_reviews", "int_products", "int_identity_links", "int_product_categories"}
MONEY = "select sum(gross_paid_amount) from marts.fct_money_daily"


@dataclass
class Shop:
    """A copy of the sample shop's warehouse, and its dumps."""

    warehouse: Warehouse
    dumps: Path
    started: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)

    def night(self) -> None:
        """Load what is in the dumps, build it, and note which models ran, which of them were left as they
        were, and which tests ran.
        """
        self.warehouse.load("sample_shop", self.dumps)
        assert not self.warehouse.build(), "an increment"
        results = read_results(self.warehouse.settings.dbt_target)
        models = [result for result in results if result.unique_id.startswith("model.")]
        self.started = {result.name for result in models}
        self.left = {result.name for result in models if result.is_left}
        self.tests = {result.name for result in results if result.unique_id.startswith("test.")}

    @property
    def changed(self) -> set[str]:
        """Models that readers take for changed in the last build."""
        found = self.warehouse.query("select table_name from duckdb_tables() where schema_name = 'changes'")
        return {name for (name,) in found if "__" not in name}

    def money(self) -> Decimal:
        """All money of purchases."""
        ((money,),) = self.warehouse.query(MONEY)
        return Decimal(money)


def without_inputs(warehouse: Warehouse) -> set[str]:
    """Models that read nothing that dbt knows of."""
    nodes = warehouse.manifest["nodes"].values()
    models = (node for node in nodes if node["resource_type"] == "model")
    return {node["name"] for node in models if not node["depends_on"]["nodes"]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("reach")
    shutil.copytree(sample_warehouse().home, folder / "home", ignore=shutil.ignore_patterns("dbt"))
    return Shop(Warehouse(folder / "home"), shutil.copytree(sample_dumps(), folder / "dumps"))


def test_a_night_starts_what_its_files_reach(shop: Shop) -> None:
    events = shop.dumps / f"events-{DAY}.csv.gz"
    events.write_bytes(gzip.compress(gzip.decompress(events.read_bytes()).replace(b",app,", b",search,")))
    shop.night()
    assert shop.started >= TRAFFIC | OTHERS, "the views of a copied home read the files of another one"
    assert "int_events" in shop.changed
    everything, tests, money = len(shop.started), shop.tests, shop.money()

    orders = shop.dumps / f"orders-{DAY}.jsonl"
    lines = orders.read_text().splitlines()
    paid = max(number for number, line in enumerate(lines) if json.loads(line)["status"] == "paid")
    dearer = json.loads(lines[paid])
    dearer["amount"] = f"{float(dearer['amount']) + 10:.2f}"
    orders.write_text("\n".join([*lines[:paid], json.dumps(dearer), *lines[paid + 1 :], ""]))
    shop.night()
    assert shop.money() == money + 10
    assert not shop.started & (TRAFFIC | OTHERS)
    assert shop.changed <= shop.started, "what did not run changed nothing"
    ran = shop.started - shop.left
    assert {"int_orders", "int_sales", "fct_money_daily", "fct_scorecard"} <= ran
    # These orders could say who a device belongs to, and do not.
    assert not ran & {"int_visit_events", "int_visitor_days", "fct_path_flow"}
    assert len(shop.started) < 0.8 * everything and len(ran) < 0.6 * everything
    assert shop.tests < tests

    shop.night()
    assert {"int_changed_files"} <= shop.started <= {"int_changed_files", *without_inputs(shop.warehouse)}
    assert shop.tests <= {f"{model}_laws" for model in shop.started}


def test_a_night_counts_no_cell_of_the_scorecard_but_its_own(shop: Shop) -> None:
    """The units of one product overflow when summed, so a build that recounts its cells fails."""
    with duckdb.connect(str(shop.warehouse.settings.warehouse)) as connection:
        connection.execute("""
            insert into intermediate.int_sales_days by name
            select * exclude (range) replace ('poison' as member, 'poison' as who, 90000000000000 as units)
            from intermediate.int_sales_days, range(2)
            where slice = 'product' and brand_id = 'aurora'
            order by day limit 2
        """)
    settings = shop.warehouse.settings
    build = read_build(settings)
    assert build is not None
    write_build(settings, replace(build, warehouse=warehouse_mark(settings)))
    events = shop.dumps / f"events-{DAY}.csv.gz"
    events.write_bytes(gzip.compress(gzip.decompress(events.read_bytes()).replace(b",search,", b",app,")))
    shop.night()
    assert "int_scorecard_cells" in shop.started - shop.left
