"""IDs that differ in case, numbers that several persons share: of two shops alike, one declares it."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from expectations.results import ExpectationResult, GateResult
from orchestration import cli
from orchestration.build.rejects import kept_changes, read_kept
from orchestration.build.state import read_gate
from orchestration.core.settings import PROJECT_ROOT, Settings

SOURCE = """
  {name}:
    dumps: {dumps}
    feed: daily
    timezone: UTC
    currency: EUR
    starts_on: 2024-03-04
    ends_on: 2024-03-05
    brands: {{{name}: {{name: Shop}}}}
{declared}
    tables:
      orders:
        files: orders_{{load_date}}.csv
        format: csv
        columns: {{required: [number, customer, placed_at, total]}}
        identifiers: {{member: [customer], order: [number]}}
      lines:
        files: lines_{{load_date}}.csv
        format: csv
        columns: {{required: [number, customer, item, total]}}
        identifiers: {{member: [customer], order: [number]}}
      refunds:
        files: refunds_{{load_date}}.csv
        format: csv
        columns: {{required: [refund, number, customer, refunded_at, total]}}
        identifiers: {{member: [customer], order: [number]}}
        may_be_empty: true
"""
DECLARED = """\
    id_case: lower
    keys: {order_id: [order_id, member_id], refund_id: [refund_id, member_id]}
"""
DUMPS = {
    "orders_2024-03-05.csv": "number,customer,placed_at,total\n"
    "T1,ann,2024-03-04 09:00:00,10\nT2,bob,2024-03-04 10:00:00,50\nT2,cat,2024-03-04 17:00:00,70\n",
    "lines_2024-03-05.csv": "number,customer,item,total\nt1,ANN,tea,10\nT2,Bob,tea,50\nT2,Cat,jam,70\n",
    # Of the next day: cat's order is paid back, and bob's number is used a third time.
    "orders_2024-03-06.csv": "number,customer,placed_at,total\nT2,dan,2024-03-05 10:00:00,5\n",
    "lines_2024-03-06.csv": "number,customer,item,total\nT2,dan,tea,5\n",
    "refunds_2024-03-06.csv": "refund,number,customer,refunded_at,total\nr1,T2,CAT,2024-03-05 12:00:00,-70\n",
}
STAGING = {
    "orders": """
        select
            number as order_id, customer as member_id, 'order' as document_kind,
            {{ utc_from_local('placed_at', name) }} as created_at,
            {{ business_date(utc_from_local('placed_at', name), name) }} as created_date,
            {{ utc_from_local('placed_at', name) }} as paid_at,
            {{ business_date(utc_from_local('placed_at', name), name) }} as paid_date,
            total as amount, 'EUR' as currency, null as reject_reason, {{ row_origin('source') }}
        from {{ source(name, 'orders') }} as source""",
    "order_lines": """
        select
            number as order_id, item as line_id, name as brand_id, item as product_id, 1 as quantity,
            customer as member_id,
            total as amount, false as is_duplicate, null as reject_reason, {{ row_origin('source') }}
        from (select *, '{{ name }}' as name from {{ source(name, 'lines') }}) as source""",
    "refunds": """
        select
            refund as refund_id, number as order_id, customer as member_id,
            {{ utc_from_local('refunded_at', name) }} as refunded_at,
            {{ business_date(utc_from_local('refunded_at', name), name) }} as refunded_on,
            total as amount, 'EUR' as currency, null as reject_reason, {{ row_origin('source') }}
        from {{ source(name, 'refunds') }} as source""",
}
TABLES = """
sources:
  - name: {name}
    config:
      meta:
        external_location: >-
          read_parquet('{{{{ env_var('AIPL_HOME', '') }}}}/raw/{name}/{{identifier}}/*/*.parquet',
          hive_partitioning = false)
        dagster: {{asset_key: [raw, {name}]}}
    tables: [{{name: orders}}, {{name: lines}}, {{name: refunds}}]
"""


class Place:
    """A folder with a copy of the dbt project and the two shops in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(folder / "home", folder / "sources.yml")
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(PROJECT_ROOT / "dbt_project", folder / "dbt_project", ignore=ignored)
        (folder / "dumps").mkdir()
        self.deliver("2024-03-05")
        entries = []
        for name, declared in (("plain", ""), ("declared", DECLARED)):
            entries.append(SOURCE.format(name=name, declared=declared, dumps=folder / "dumps"))
            staging = folder / "dbt_project" / "models" / "staging" / name
            staging.mkdir()
            (staging / f"_{name}__sources.yml").write_text(TABLES.format(name=name))
            for entity, sql in STAGING.items():
                text = f"{{%- set name = '{name}' -%}}{sql}\n"
                (staging / f"stg_{name}__{entity}.sql").write_text(text)
        self.settings.sources_file.write_text("sources:" + "".join(entries))

    def deliver(self, load_date: str) -> None:
        for name, text in DUMPS.items():
            if load_date in name:
                (self.folder / "dumps" / name).write_text(text)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("ids"))


@pytest.fixture
def place(made: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("AIPL_HOME", str(made.settings.home))
    monkeypatch.setenv("AIPL_SOURCES", str(made.settings.sources_file))
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: made.folder / "dbt_project"))
    return made


def aipl(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False))
    said, complained = capfd.readouterr()
    assert code == 0, said + complained
    return said


def marts_gate(place: Place) -> tuple[ExpectationResult, ...]:
    gate = read_gate(place.settings)
    assert gate is not None
    return GateResult.from_json(json.dumps(gate.results)).results


GROSS = (
    "select source_id, count(*), sum(amount) from marts.fct_orders where is_purchase group by 1 order by 1"
)
PERSONS = """
    select member_id, count(*), sum(lines.amount) from intermediate.int_order_lines as lines
    inner join intermediate.int_orders as orders using (source_id, order_id)
    where source_id = 'declared' and orders.is_current and lines.is_current group by all order by all
"""


def test_shared_numbers_are_told_and_where_declared_are_orders_of_their_own(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    said = aipl(capfd, "run")
    assert place.query(GROSS) == [("declared", 3, Decimal(130)), ("plain", 2, Decimal(80))]
    assert "Orders of several members: 1 (T2 of plain by bob and cat 2): see `keys`" in said, said
    # In the second night an increment stages the new files alone.
    place.deliver("2024-03-06")
    aipl(capfd, "run")
    assert place.query(GROSS) == [("declared", 4, Decimal(135)), ("plain", 2, Decimal(15))]
    assert place.query(PERSONS) == [("ann", 1, 10), ("bob", 1, 50), ("cat", 1, 70), ("dan", 1, 5)]
    refunded = "select order_id, amount from intermediate.int_refunds where source_id = 'declared'"
    assert place.query(refunded) == [("t2\x1fcat", Decimal(70))]
    marts = place.query("select * from marts.fct_orders")
    changed = read_kept(kept_changes(place.settings)).to_pylist()
    assert {
        (one["source_id"], one["entity"], one["column"], one["kind"], one["rows"]) for one in changed
    } == {
        ("declared", "refunds", "amount", "sign", 1),
        ("plain", "refunds", "amount", "sign", 1),
    }
    assert "declared:m:cat" in aipl(capfd, "person-key", "CAT")
    # Lines that do not say whose they are find no order, and are told; orders are as before.
    lines = place.folder / "dbt_project/models/staging/declared/stg_declared__order_lines.sql"
    before = lines.read_text()
    lines.write_text(before.replace("customer as member_id,", ""))
    dump = place.folder / "dumps" / "lines_2024-03-06.csv"
    dump.write_text(DUMPS[dump.name] + "T2,dan,jam,0\n")
    said = aipl(capfd, "run")
    assert "order_lines.order_id without member_id 2" in said, said
    (warning,) = (one for one in marts_gate(place) if one.name == "lines_name_their_order")
    assert (warning.verdict, warning.examples[0]["lines"]) == ("warning", 3)
    assert place.query(GROSS) == [("declared", 4, Decimal(135)), ("plain", 2, Decimal(15))]
    lines.write_text(before)
    place.deliver("2024-03-06")
    # In full, since a staging model changed.
    aipl(capfd, "run")
    assert sorted(place.query("select * from marts.fct_orders")) == sorted(marts)


def test_an_erased_person_takes_no_order_of_another_of_the_same_number(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    aipl(capfd, "erase", "declared:m:BOB", "--only-these", "--yes")
    found = "select order_id from intermediate.int_orders where source_id = 'declared' order by 1"
    assert place.query(found) == [("t1\x1fann",), ("t2\x1fcat",), ("t2\x1fdan",)]
