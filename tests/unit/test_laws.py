"""The laws: which there are, what a run says of each, and what changes their hash."""

from __future__ import annotations

import re

import yaml
from laws_page import declared_laws

from orchestration.build.laws import BrokenLaw, DbtResult, Law, law_results, laws_by_test
from orchestration.core.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"
KEY, MONEY = Law("dim_brand", "unique_key", "One row per brand."), Law("dim_brand", "money", "Money adds up.")
LAWS = {"test.aipl.dim_brand_laws.1": [KEY, MONEY]}


def results(status: str, *broken: str) -> dict[str, BrokenLaw | None]:
    """What becomes of two laws whose test has this status and finds these broken."""
    result = DbtResult("test.aipl.dim_brand_laws.1", status, failures=len(broken))
    found = [BrokenLaw("dim_brand", name, 7, [{"brand_id": "aurora"}]) for name in broken]
    return {law.name: broken for law, broken in law_results(LAWS, [result], lambda _: found)}


def test_each_law_of_a_test_has_a_verdict_of_its_own_where_the_test_judged() -> None:
    assert results("pass") == {"unique_key": None, "money": None}
    one = results("fail", "money")
    assert one["unique_key"] is None
    assert one["money"] is not None
    assert (one["money"].failures, one["money"].example_lines) == (7, ["brand_id=aurora"])
    assert all(results("fail", "unique_key", "money").values())
    assert all(results("fail").values()), "a failed test never says that all hold"
    assert results("error") == results("skipped") == {}


def test_a_test_of_dbt_is_a_law_of_the_table_it_is_declared_at() -> None:
    """As in the staging folder of a source that somebody else wrote."""

    def test(name: str, *nodes: str, severity: str = "ERROR", **more: object) -> dict[str, object]:
        known = {"config": {"severity": severity, "meta": {}}, "depends_on": {"nodes": nodes}}
        return {"resource_type": "test", "name": name, "description": "They add up."} | known | more

    stg, brand = "model.aipl.stg", "model.aipl.brand"
    not_null = {"name": "not_null", "kwargs": {"column_name": "order_id"}}
    for_brand = {"meta": {"dagster": {"ref": {"name": "dim_brand"}}}}
    nodes = {
        stg: {"resource_type": "model", "name": "stg_shop__orders", "config": {}},
        brand: {"resource_type": "model", "name": "dim_brand", "config": {}},
        "a": test(
            "x", stg, brand, severity="WARN", attached_node=stg, test_metadata=not_null, description=""
        ),
        "b": test("orders_add_up", stg, brand, attached_node=None, test_metadata=None),
        "c": test("orders_add_up", brand),
        "d": test("orders_add_up", stg, brand, config=for_brand),
        "e": test("orders_add_up", "source.aipl.arrival.files"),
    }
    adds_up = Law("dim_brand", "orders_add_up", "They add up.")
    assert laws_by_test({"nodes": nodes}) == {
        "a": [Law("stg_shop__orders", "x", "x", is_error=False)],
        "c": [adds_up],
        "d": [adds_up],
    }


def test_each_law_has_a_name_of_its_own_and_a_test_called_by_its_table() -> None:
    laws = declared_laws(PROJECT)
    names = [(law.table, law.name) for law in laws]
    assert len(names) == len(set(names)) > 70
    assert all(re.fullmatch(r"[a-z_]+", law.name) and law.name != "holds" for law in laws)
    assert all(len(law.description.split()) > 3 for law in laws), "a kind without words needs a description"
    for file in PROJECT.glob("*/**/*.yml"):
        for table in yaml.safe_load(file.read_text()).get("models") or []:
            for test in table.get("data_tests", []):
                assert test["laws"]["name"] == f"{table['name']}_laws"
