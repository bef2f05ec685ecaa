"""Which models a build must run, worked out from the files that changed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from orchestration.arrival.dbt_inputs import FILES, SOURCES
from orchestration.build.reach import changed_tables, reached_models

pa = pytest.importorskip("pyarrow")

OF_FILES = {"rows_of": "int_changed_files"}
NODES: dict[str, tuple[str, list[str], list[dict[str, Any]]]] = {
    "stg_shop__events": ("view", ["source.p.shop.events"], []),
    "stg_shop__orders": ("view", ["source.p.shop.orders"], []),
    "stg_till__orders": ("view", ["source.p.till.orders"], []),
    "int_changed_files": ("table", ["source.p.arrival.files"], []),
    "int_events": (
        "incremental",
        ["stg_shop__events", "int_changed_files"],
        [{"rows_of": "int_changed_files"}],
    ),
    "int_orders": (
        "incremental",
        ["stg_shop__orders", "stg_till__orders", "int_changed_files"],
        [OF_FILES],
    ),
    "int_sign_ins": (
        "incremental",
        ["int_events", "int_orders"],
        [{"model": "int_events"}, {"model": "int_orders", "supplied": ["visitor_id", "member_id"]}],
    ),
    "int_persons": ("incremental", ["int_sign_ins", "int_events"], [{"macro": "persons_of_sign_ins"}]),
    "int_views": ("incremental", ["int_events", "int_brands"], [{"model": "int_events"}]),
    "int_brands": ("table", ["int_events", "int_orders", "source.p.arrival.sources"], []),
    "int_rules": ("table", ["seed.p.rules"], []),
    "int_unknown": ("table", [], []),
    "fct_orders": ("view", ["int_orders", "int_persons"], []),
}
SUPPLIED = {
    "stg_shop__orders": {"order_id", "visitor_id", "member_id"},
    "stg_till__orders": {"order_id", "member_id"},
}


def _id(name: str) -> str:
    return name if "." in name else f"model.p.{name}"


MANIFEST = {
    "nodes": {
        "seed.p.rules": {"resource_type": "seed", "config": {"materialized": "seed"}, "depends_on": {}},
        "test.p.int_events_laws": {"resource_type": "test", "depends_on": {"nodes": ["model.p.int_events"]}},
        **{
            _id(name): {
                "resource_type": "model",
                "config": {"materialized": kind, "scope": scope},
                "depends_on": {"nodes": [_id(read) for read in reads]},
            }
            for name, (kind, reads, scope) in NODES.items()
        },
    }
}


@pytest.mark.parametrize(
    ("changed", "reached"),
    [
        ([], []),
        (["arrival.sources"], ["int_brands"]),
        # Nothing of the events, although the tables beside are made from them too: their scope is theirs.
        (["till.orders"], ["fct_orders", "int_brands", "int_orders", "stg_till__orders"]),
        # These orders may say who a device belongs to.
        (
            ["shop.orders"],
            ["fct_orders", "int_brands", "int_orders", "int_persons", "int_sign_ins", "stg_shop__orders"],
        ),
        (
            ["shop.events"],
            [
                "fct_orders",
                "int_brands",
                "int_events",
                "int_persons",
                "int_sign_ins",
                "int_views",
                "stg_shop__events",
            ],
        ),
    ],
)
def test_what_changed_reaches_models_through_their_scopes(changed: list[str], reached: list[str]) -> None:
    always = ["int_changed_files", "int_unknown"]
    inputs = {"arrival.files", *changed}
    assert reached_models(MANIFEST, inputs, SUPPLIED) == sorted([*always, *reached])


def _files(*rows: tuple[str, str, str, str]) -> Any:
    return pa.Table.from_pylist(
        [
            {
                "source_id": source,
                "table_name": table,
                "file": file,
                "load_date": date(2024, 1, 2),
                "version": version,
                "row_count": 1,
                "unreadable_count": 0,
            }
            for source, table, file, version in rows
        ],
        schema=FILES,
    )


def test_tables_with_a_file_that_is_new_gone_or_other_changed_and_all_of_a_static_source() -> None:
    feeds = {"shop": "daily", "archive": "static", "still": "static"}
    rows = [{"source_id": source, "feed": feed, "is_stale": False} for source, feed in feeds.items()]
    sources = pa.Table.from_pylist(rows, schema=SOURCES)
    same = [("shop", "reviews", "r1", "1"), ("archive", "lines", "l1", "1"), ("still", "orders", "s1", "1")]
    before = [("shop", "events", "e1", "1"), ("shop", "refunds", "f1", "1"), ("archive", "orders", "o1", "1")]
    now = [("shop", "events", "e1", "2"), ("shop", "orders", "o1", "1"), ("archive", "orders", "o1", "2")]
    found = changed_tables({"files": _files(*same, *now), "sources": sources}, _files(*same, *before))
    assert found == {"shop.events", "shop.refunds", "shop.orders", "archive.orders", "archive.lines"}
    assert changed_tables({"files": _files(*same), "sources": sources}, _files(*same)) == set()
